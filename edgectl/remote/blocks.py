"""Tasks with blocks around them: what fails in a block is rescued, and some is done in any case."""

from __future__ import annotations

from edgectl.remote.job import Play, Task
from edgectl.remote.lean import Callable, List, NamedTuple, Optional, Tuple, Union
from edgectl.remote.protocol import TaskEnded
from edgectl.remote.scope import Scope

RunOne = Callable[[Task], Tuple[Optional[TaskEnded], bool]]


class Block(NamedTuple):
    """The three sections of a block."""

    tasks: List[Node]
    rescue: List[Node]
    always: List[Node]


Node = Union[Task, Block]


class Blocks:
    """The tasks of a play that has blocks, run in their order. `run_one` returns a failure, and whether to leave."""

    def __init__(self, play: Play, scope: Scope, run_one: RunOne) -> None:
        self._play = play
        self._scope = scope
        self._run_one = run_one
        self._has_left = False
        self.rescuers = 0  # blocks around the running task whose rescue waits for its failure

    def run(self) -> Optional[TaskEnded]:
        """Run all; return the task whose failure ends the play."""
        return self._run_all(tree(self._play))

    def _run_all(self, nodes: List[Node]) -> Optional[TaskEnded]:
        for node in nodes:
            if isinstance(node, Task):
                failed, self._has_left = self._run_one(node)
            else:
                failed = self._run_block(node)
            if failed is not None or self._has_left:
                return failed
        return None

    def _run_block(self, block: Block) -> Optional[TaskEnded]:
        """Run a block; what failed is over once its rescue ended well. What may have happened, nobody rescues."""
        self.rescuers += 1 if block.rescue else 0
        failed = self._run_all(block.tasks)
        self.rescuers -= 1 if block.rescue else 0
        if failed is not None and block.rescue and not failed.result.get("unknown"):
            self._scope.learn("ansible_failed_task", {"name": failed.name, "action": failed.module})
            self._scope.learn("ansible_failed_result", failed.result)
            failed = self._run_all(block.rescue)
        if self._has_left or (failed is not None and failed.result.get("unknown")):
            return failed
        last = self._run_all(block.always)
        return last if failed is None else failed


def tree(play: Play) -> List[Node]:
    """Return a play's tasks with its blocks in their places."""
    return _between(play, list(play.blocks), 0, len(play.tasks))


def _between(play: Play, blocks: List[List[int]], start: int, end: int) -> List[Node]:
    nodes: List[Node] = []
    at = start
    while at < end:
        block = next((one for one in blocks if one[0] == at and one[3] <= end), None)
        if block is None:
            nodes.append(play.tasks[at])
            at += 1
            continue
        inner = blocks[blocks.index(block) + 1 :]
        begins, rescue, always, at = block
        sections = ((begins, rescue), (rescue, always), (always, at))
        nodes.append(Block(*(_between(play, inner, first, last) for first, last in sections)))
    return nodes
