"""Copy a file, a folder or a text to the host."""

from __future__ import annotations

import os
import stat

from edgectl.remote import files, ownership
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass, replace
from edgectl.remote.lean import Any, NamedTuple
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks._placing import Content, Placing, make_folders, place, target

REPEAT = "idempotent"
TOUCHES = "dest"
STARTS_NOTHING = True
# The controller finds `src` in this folder beside the playbook and sends it along.
SENDS = "files"


@dataclass(frozen=True)
class Args:
    """Give `src` or `content`."""

    dest: str = arg(doc="The path at the host; a folder where it ends in / or is one.")
    src: str | None = arg(None, doc="A file or folder; one that ends in / stands for what is in it.")
    content: Any = arg(None, doc="The text of the file; a mapping or list is written as JSON.")
    remote_src: bool = arg(False, doc="Look for src at the host, not here.")
    mode: Mode | None = arg(None, doc='Mode of the files, such as "0644", "u+x" or preserve.')
    directory_mode: Mode | None = arg(None, doc="Mode of folders that are made.")
    owner: str | None = arg(None, doc="Owner, by name or number.")
    group: str | None = arg(None, doc="Group, by name or number.")
    force: bool = arg(True, doc="Replace a file that differs; no: only write where there is none.")
    backup: bool = arg(False, doc="Keep the old file beside the new one.")
    validate: str | None = arg(None, doc="A command that must accept the new file, named by %s.")
    follow: bool = arg(False, doc="Where dest is a symbolic link, write to what it points to.")
    local_follow: bool | None = arg(None, doc="Copy what symbolic links in src point to.")
    checksum: str | None = arg(None, doc="The SHA-1 that the file must have.")
    decrypt: bool = arg(True, doc="Accepted for Ansible's sake; there is nothing to decrypt.")
    sources: list[list[Any]] | None = arg(None, doc="[relative path, sha256, mode] each.", internal=True)

    def __post_init__(self) -> None:
        """Refuse what has no source or two, and a text that would become a folder."""
        if (self.src is None) == (self.content is None):
            raise ValueError("give either 'src' or 'content'")
        if self.content is not None and self.dest.endswith("/"):
            raise ValueError("'dest' must name a file where 'content' is given")


class Item(NamedTuple):
    """One thing below dest: a file, a symbolic link, else a folder; a relative path of "" is dest itself."""

    relative: str
    content: Content | None = None
    link: str | None = None
    mode: str | None = None


def run(args: Args, context: TaskContext) -> TaskResult:
    """Make dest equal to its source."""
    problem = ownership.complaint(_attributes(args, None), check=context.check)
    if problem:
        return failed(problem)
    source = files.expanded(args.src or "")
    if args.remote_src and not os.path.exists(source):
        return failed(f"Source {source} not found: with remote_src it must be at the host")
    dest = files.expanded(args.dest)
    items = _items(args, source, context)
    if [item.relative for item in items] == [""]:
        return _place_one(args, dest, items[0], context)
    return _place_tree(args, dest, items, context)


def _items(args: Args, source: str, context: TaskContext) -> list[Item]:
    if args.content is not None:
        return [Item("", Content(_text(args.content)))]
    if args.remote_src:
        return _items_at_host(source, follow=args.local_follow is True)
    return [
        Item(relative, None if sha256 is None else Content(context.blobs[sha256]), mode=mode)
        for relative, sha256, mode in args.sources or []
    ]


def _text(content: Any) -> bytes:
    if isinstance(content, (dict, list)):
        import json

        content = json.dumps(content)
    return str(content).encode("utf-8", "surrogateescape")


def _items_at_host(source: str, *, follow: bool) -> list[Item]:
    if not os.path.isdir(source):
        return [_item_at_host(source, "", follow=True)]
    inside = "" if source.endswith("/") else os.path.basename(source)
    items = [Item(inside, mode=_mode(source))] if inside else []
    for folder, folders, names in os.walk(source, followlinks=follow):
        for name in sorted(folders + names):
            path = os.path.join(folder, name)
            items.append(
                _item_at_host(path, os.path.join(inside, os.path.relpath(path, source)), follow=follow)
            )
    return items


def _item_at_host(path: str, relative: str, *, follow: bool) -> Item:
    if os.path.islink(path) and not follow:
        return Item(relative, link=os.readlink(path))
    mode = _mode(path)
    content = None if os.path.isdir(path) else Content(origin=path, mode=mode)
    return Item(relative, content, mode=mode)


def _mode(path: str) -> str:
    return f"{stat.S_IMODE(os.stat(path).st_mode):04o}"


def _attributes(args: Args, source_mode: str | None) -> Attributes:
    return Attributes(source_mode if args.mode == "preserve" else args.mode, args.owner, args.group)


def _placing(args: Args, item: Item) -> Placing:
    attributes = _attributes(args, item.mode)
    return Placing(attributes, args.force, args.backup, args.validate, args.follow)


def _folder_attributes(args: Args, source_mode: str | None = None) -> Attributes:
    return Attributes(args.directory_mode or source_mode, args.owner, args.group)


def _place_one(args: Args, dest: str, item: Item, context: TaskContext) -> TaskResult:
    content = item.content or Content(b"")
    checksum = content.digest("sha1")
    if args.checksum not in (None, checksum):
        return failed(
            f"the file's checksum is {checksum}, not {args.checksum}: correct 'checksum', or the file",
            checksum=checksum,
            expected_checksum=args.checksum,
        )
    if args.content is not None and os.path.isdir(dest):
        return failed(f"can not use content with a dir as dest: {dest} is a directory")
    made = dest.endswith("/") and make_folders(
        dest.rstrip("/"), _folder_attributes(args), check=context.check
    )
    done = place(target(dest, os.path.basename(args.src or "")), content, _placing(args, item), context)
    return replace(done, changed=done.changed or made, values={"src": args.src, **done.values})


def _place_tree(args: Args, dest: str, items: list[Item], context: TaskContext) -> TaskResult:
    """Put everything below dest; what is there besides stays. The first failure ends it."""
    dest = dest.rstrip("/") or "/"
    busy = {os.path.dirname(item.relative) for item in items if item.content is not None}
    changed = make_folders(dest, _folder_attributes(args), check=context.check)
    diffs = []
    for item in items:
        done = _place_item(
            args, os.path.join(dest, item.relative), item, context, is_leaf=item.relative not in busy
        )
        if done.failed:
            return done
        changed = changed or done.changed
        diffs += [done.diff] if done.diff else []
    shown = files.expanded(args.dest) if args.remote_src else os.path.join(dest, "")
    values = {"dest": shown, "src": args.src, **(ownership.described(dest) if os.path.isdir(dest) else {})}
    return TaskResult(changed, values=values, diff=_joined(diffs) if context.diff else None)


def _place_item(args: Args, path: str, item: Item, context: TaskContext, *, is_leaf: bool) -> TaskResult:
    if item.link is not None:
        return _place_link(path, item.link, context)
    if item.content is not None:
        made = make_folders(os.path.dirname(path), _folder_attributes(args), check=context.check)
        done = place(path, item.content, _placing(args, item)._replace(follow=False), context)
        return replace(done, changed=done.changed or made)
    if os.path.lexists(path) and not os.path.isdir(path):
        return failed(f"{path} is not a directory: remove it, or copy elsewhere")
    new = _folder_attributes(args, item.mode if args.remote_src else None)
    changed = make_folders(path, new, check=context.check)
    if is_leaf and os.path.isdir(path):
        changed |= ownership.set_attributes(path, _folder_attributes(args), check=context.check)
    return TaskResult(changed)


def _place_link(path: str, link: str, context: TaskContext) -> TaskResult:
    if os.path.islink(path) and os.readlink(path) == link:
        return TaskResult()
    if os.path.isdir(path) and not os.path.islink(path):
        return failed(f"{path} is a directory where a symbolic link should be: remove it first")
    if not context.check:
        files.link_atomically(path, link)
    return TaskResult(changed=True)


def _joined(diffs: list[dict[str, str]]) -> dict[str, str]:
    """Return one difference for many files, each text under its file's name."""
    sides = {
        side: "".join(f"==> {diff['before_header']} <==\n{diff[side]}" for diff in diffs)
        for side in ("before", "after")
    }
    return {**sides, "before_header": f"{len(diffs)} files", "after_header": f"{len(diffs)} files"}
