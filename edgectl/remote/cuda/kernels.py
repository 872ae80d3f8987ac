"""What runs on the GPUs, as PTX: the driver translates it for whatever GPU it finds, from Turing to those to come.

`add` reads two arrays and writes their sum: that a GPU computes at all, and that it reaches another's memory.
`burn` fills an array, each number at the end of many multiplications; `differ` counts where two arrays differ.
PTX ISA 6.3 is the first with sm_75; no construct here is newer.
"""

from __future__ import annotations

_HEAD = """\
.version 6.3
.target sm_75
.address_size 64
"""
# Each thread has a number, %r4, and one number of the arrays; those behind the end have none.
_INDEX = """\
    mov.u32 %r1, %ctaid.x;
    mov.u32 %r2, %ntid.x;
    mov.u32 %r3, %tid.x;
    mad.lo.u32 %r4, %r1, %r2, %r3;
    ld.param.u32 %r5, [count];
    setp.ge.u32 %p1, %r4, %r5;
    @%p1 bra DONE;
"""
# Its numbers of two arrays are in %r6 and %r7; the result's address is in %rd6.
_PAIR = """\
    ld.param.u64 %rd1, [left];
    ld.param.u64 %rd2, [right];
    ld.param.u64 %rd3, [result];
    cvta.to.global.u64 %rd4, %rd1;
    cvta.to.global.u64 %rd5, %rd2;
    cvta.to.global.u64 %rd6, %rd3;
    mul.wide.u32 %rd7, %r4, 4;
    add.u64 %rd8, %rd4, %rd7;
    add.u64 %rd9, %rd5, %rd7;
    ld.global.u32 %r6, [%rd8];
    ld.global.u32 %r7, [%rd9];
"""
_ADD = f"""
.visible .entry add(.param .u64 left, .param .u64 right, .param .u64 result, .param .u32 count)
{{
    .reg .pred %p<2>;
    .reg .b32 %r<9>;
    .reg .b64 %rd<12>;
{_INDEX}{_PAIR}    add.u64 %rd10, %rd6, %rd7;
    add.u32 %r8, %r6, %r7;
    st.global.u32 [%rd10], %r8;
DONE:
    ret;
}}
"""
# Four chains of the logistic map, x -> r x (1 - x) with r from 3.96 to 3.99, keep the units full. It is chaotic: one
# wrong bit anywhere grows instead of fading, so that the last number tells of it.
_BURN = f"""
.visible .entry burn(.param .u64 out, .param .u32 count, .param .u32 rounds)
{{
    .reg .pred %p<3>;
    .reg .b32 %r<9>;
    .reg .f32 %f<16>;
    .reg .b64 %rd<5>;
{_INDEX}    ld.param.u32 %r6, [rounds];
    and.b32 %r7, %r4, 1023;
    cvt.rn.f32.u32 %f1, %r7;
    fma.rn.f32 %f2, %f1, 0f39800000, 0f3DCCCCCD;
    add.f32 %f3, %f2, 0f3DE147AE;
    add.f32 %f4, %f2, 0f3E6B851F;
    add.f32 %f5, %f2, 0f3EBD70A4;
AGAIN:
    neg.f32 %f12, %f2;
    neg.f32 %f13, %f3;
    neg.f32 %f14, %f4;
    neg.f32 %f15, %f5;
    fma.rn.f32 %f2, %f2, %f12, %f2;
    fma.rn.f32 %f3, %f3, %f13, %f3;
    fma.rn.f32 %f4, %f4, %f14, %f4;
    fma.rn.f32 %f5, %f5, %f15, %f5;
    mul.rn.f32 %f2, %f2, 0f407F5C29;
    mul.rn.f32 %f3, %f3, 0f407EB852;
    mul.rn.f32 %f4, %f4, 0f407E147B;
    mul.rn.f32 %f5, %f5, 0f407D70A4;
    sub.u32 %r6, %r6, 1;
    setp.ne.u32 %p2, %r6, 0;
    @%p2 bra AGAIN;
    add.f32 %f6, %f2, %f3;
    add.f32 %f7, %f4, %f5;
    add.f32 %f8, %f6, %f7;
    ld.param.u64 %rd1, [out];
    cvta.to.global.u64 %rd2, %rd1;
    mul.wide.u32 %rd3, %r4, 4;
    add.u64 %rd4, %rd2, %rd3;
    st.global.f32 [%rd4], %f8;
DONE:
    ret;
}}
"""
_DIFFER = f"""
.visible .entry differ(.param .u64 left, .param .u64 right, .param .u64 result, .param .u32 count)
{{
    .reg .pred %p<3>;
    .reg .b32 %r<9>;
    .reg .b64 %rd<11>;
{_INDEX}{_PAIR}    setp.eq.u32 %p2, %r6, %r7;
    @%p2 bra DONE;
    atom.global.add.u32 %r8, [%rd6], 1;
DONE:
    ret;
}}
"""
PTX = _HEAD + _ADD + _BURN + _DIFFER
