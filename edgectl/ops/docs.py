"""`docs`: the modules that playbooks may use, and what each of them takes; told from their code."""

from __future__ import annotations

from datetime import datetime

from edgectl.errors import ExitCode
from edgectl.playbook.vocabulary import ModuleDoc, example, module_doc, module_docs
from edgectl.report import Line, Report, Table, Tone


def list_modules(now: datetime) -> Report:
    """Return a line per module."""
    docs = module_docs()
    rows = [[doc.name, doc.summary] for doc in docs]
    data = {"modules": {doc.name: doc.summary for doc in docs}}
    return Report("docs", now, 0.0, ExitCode.DONE, data=data, body=[Table(["module", "what it does"], rows)])


def show_module(name: str, now: datetime) -> Report:
    """Return a module's arguments, what a bare text means, and what happens where it is cut off."""
    doc = module_doc(name)
    body = [
        Line(f"{doc.name}   {doc.summary}"),
        *_arguments(doc),
        *([Line(f"results   {doc.results}", Tone.QUIET)] if doc.results else []),
        Line(f"repeat    {doc.repeat}", Tone.QUIET),
        Line(
            "check     --check tells what it would do and changes nothing; --diff shows the text of it",
            Tone.QUIET,
        ),
        Line(f"example   {example(doc)}", Tone.QUIET),
    ]
    data = {
        "module": doc.name,
        "summary": doc.summary,
        "free_form": doc.free_form or None,
        "results": doc.results or None,
        "arguments": [
            {
                "name": one.name,
                "type": one.kind,
                "default": one.default,
                "required": one.default is None,
                "doc": one.doc,
            }
            for one in doc.arguments
        ],
    }
    return Report("docs", now, 0.0, ExitCode.DONE, data=data, body=body)


def _arguments(doc: ModuleDoc) -> list[Line | Table]:
    if doc.takes_any:
        return [Line("          its arguments are names of your own")]
    rows = [
        [
            ", ".join([one.name, *one.aliases]),
            one.kind,
            "must be given" if one.default is None else one.default,
            one.doc,
        ]
        for one in doc.arguments
    ]
    lines: list[Line | Table] = (
        [Table(["argument", "type", "default", "what it means"], rows)] if rows else []
    )
    if doc.free_form:
        lines.append(Line(f"a bare text behind `{doc.name}:` is its `{doc.free_form}`", Tone.QUIET))
    return lines
