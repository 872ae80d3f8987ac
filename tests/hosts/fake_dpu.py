"""Programs that stand for a node's BlueField: `rshim` with its FIFO and console, and `mlxconfig`.

The card's memory is a folder: `mode` is what it is, `next` what it will be once the node's power was cut (not after a
reboot), `log` its console, `pushes` the digest of everything that was pushed into it. Pushed into, it says what is in
`says`, line by line, and else what a card says that came up well.
"""

from __future__ import annotations

import hashlib

from tests.remote.fake_rshim import GOOD

MEMORY = "/var/lib/fake-dpu"
IMAGE = "not an image, but pushed like one\n"
IMAGE_SHA256 = hashlib.sha256(IMAGE.encode()).hexdigest()
IMAGE_PATH = "/srv/image.bfb"

RSHIM = f"""\
#!/bin/sh
PATH=/usr/bin
cd {MEMORY}
[ -e mode ] || echo dpu > mode
[ -e next ] || cat mode > next
# What was shut down in order left its mark: the card never lost its power.
[ -e warm ] || cat next > mode
rm -f warm
touch log
mkdir -p /dev/rshim0; [ -p /dev/rshim0/boot ] || mkfifo /dev/rshim0/boot
show() {{
    case $(cat mode) in dpu) name="DPU mode" ;; *) name="NIC mode" ;; esac
    printf 'DISPLAY_LEVEL   2\\nBF_MODE         %s\\nDEV_NAME        pcie-0000:b0:00.2\\n' "$name" > /dev/rshim0/new
    cat log >> /dev/rshim0/new; mv /dev/rshim0/new /dev/rshim0/misc
}}
show
touch /run/rshim-is-there
while cat /dev/rshim0/boot > pushed; do
    sha256sum < pushed | cut -d ' ' -f 1 >> pushes
    : > log
    said=says; [ -e says ] || said=/usr/share/fake-dpu/good
    while read -r line; do echo " $line" >> log; show; sleep 0.1; done < $said
done
"""
UNIT = f"""\
[Service]
ExecStartPre=/bin/mkdir -p {MEMORY}
ExecStart=rshim
ExecStartPost=/bin/sh -c 'until [ -e /run/rshim-is-there ]; do sleep 0.05; done'
ExecStopPost=/bin/sh -c 'touch {MEMORY}/warm; rm -f /run/rshim-is-there'
[Install]
WantedBy=multi-user.target
"""
CONSOLE = "".join(f"{line}\n" for line in GOOD)


def mlxconfig(memory: str = MEMORY) -> str:
    """Return a script that keeps the mode of the one card in a folder, and prints as mlxconfig 4.30 does with -e."""
    return f"""\
#!/bin/sh
number() {{ case $(cat {memory}/$1 2>/dev/null) in nic) echo 'DISABLED(1)' ;; *) echo 'ENABLED(0)' ;; esac; }}
case "$*" in
    --version) echo "mlxconfig, mft 4.30.0-139" ;;
    *" query "*)
        printf '\\nDevice #1:\\n----------\\n\\nDevice type:        BlueField3\\nDevice:             %s\\n\\n' "$2"
        echo 'Configurations:                              Default             Current             Next Boot'
        star=' '; [ "$(number mode)" = "$(number next)" ] || star='*'
        printf '%s       INTERNAL_CPU_OFFLOAD_ENGINE         ENABLED(0)          %s          %s\\n' \\
            "$star" "$(number mode)" "$(number next)" ;;
    *" set "*INTERNAL_CPU_OFFLOAD_ENGINE=0)
        echo dpu > {memory}/next; echo "Applying... Done!"
        echo "-I- Please reboot machine to load new configurations." ;;
    *) echo "-E- unknown words: $*"; exit 1 ;;
esac
"""
