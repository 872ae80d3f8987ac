"""The variables of one job at its host, weakest to strongest, and how the tasks so far changed them."""

from __future__ import annotations

from edgectl.remote.job import Job, Play
from edgectl.remote.lean import Any, Dict, List, Optional, import_module
from edgectl.remote.withheld import Withheld


class Scope:
    """Facts < inventory and play < the task's own < what tasks registered and set < extra variables, as Ansible."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._facts: Dict[str, Any] = {}
        self._learned: Dict[str, Any] = {}
        # jinja2 travels only with jobs that need it; without it there is nothing left to render.
        self._templates: Any = import_module("edgectl.remote.template") if "jinja2" in job.needs else None

    def learn(self, name: str, value: Dict[str, Any]) -> None:
        """Keep what a task registered, with the lines of its output beside the text, as Ansible has them."""
        items = value.get("results")
        if isinstance(items, list):
            value = {**value, "results": [with_lines(item) for item in items]}
        self._learned[name] = with_lines(value)

    def miss(self, name: str, why: Withheld) -> None:
        """Know that a value is lost, so that whoever asks for it fails in place of seeing another one."""
        self._learned[name] = why

    def learn_facts(self, module: str, facts: Dict[str, Any]) -> None:
        """Keep facts: those of `set_fact` are strong, gathered ones weak, as in Ansible."""
        if module == "set_fact":
            self._learned.update(facts)
        else:
            self._facts.update(facts)
            self._facts["ansible_facts"] = {
                **{name.replace("ansible_", "", 1): value for name, value in facts.items()},
                **facts,
            }

    def variables(self, play: Play, task_vars: Dict[str, Any], items: Optional[Dict[str, Any]] = None) -> Any:
        """Return the variables a task sees, or None where the job needs no templates."""
        if self._templates is None:
            return None
        layer = self._templates.Layer
        return self._templates.Variables(
            [
                layer(self._facts, authored=False),
                layer(self._job.vars, authored=True),
                layer(play.vars, authored=True),
                layer(task_vars, authored=True),
                layer(self._learned, authored=False),
                layer(items or {}, authored=False),
                layer(self._job.extra_vars, authored=True),
                layer(self._job.secrets, authored=False),
            ]
        )

    def render(self, value: Any, variables: Any) -> Any:
        """Render templates in `value`, if any can be there."""
        return value if variables is None else self._templates.render(value, variables)

    def value_of(self, expression: str, variables: Any) -> Any:
        """Return what an expression means, with or without braces around it."""
        braces = "" if variables is None or self._templates.is_template(expression) else "{{ %s }}"
        return self.render(braces % expression if braces else expression, variables)

    def render_file(self, text: str, variables: Any, options: Dict[str, bool]) -> str:
        """Render the file of a `template` task."""
        return text if variables is None else str(self._templates.render_file(text, variables, **options))

    def all_true(self, conditions: List[Any], variables: Any) -> Optional[Any]:
        """Return the first condition that does not hold, or None where all do."""
        for condition in conditions:
            holds = condition if variables is None else self._templates.evaluate(condition, variables)
            if not holds:
                return str(condition)
        return None


def with_lines(result: Any) -> Any:
    """Return a result with the lines of its output beside the text, as Ansible has them."""
    if not isinstance(result, dict):
        return result
    streams = [name for name in ("stdout", "stderr") if isinstance(result.get(name), str)]
    return {**result, **{f"{name}_lines": result[name].splitlines() for name in streams}}
