"""The LoRA adapters of an engine that runs: which it has, and loading and unloading them in the engine's own words."""

from __future__ import annotations

import json

from edgectl.remote.lean import Any, Optional
from edgectl.remote.tasks import _http
from edgectl.remote.tasks._engine_at import EngineAt

# vLLM: docs.vllm.ai, features/lora; SGLang: docs.sglang.io, advanced_features/lora.
_PATHS = {"vllm": "/v1/{}_lora_adapter", "sglang": "/{}_lora_adapter"}
# The only engine that puts an adapter in the place of another one of the same name, with no moment without either.
_IN_PLACE = ("vllm",)
_ASK_S, _LOAD_S = 5.0, 300.0
_OK = 200


class Adapters:
    """What an engine has loaded; `by` says whose words it understands."""

    def __init__(self, engine: EngineAt, by: str) -> None:
        self._engine = engine
        self._by = by

    def loaded(self) -> Optional[dict[str, str]]:
        """Return the path of each adapter by its name, None where the engine does not say."""
        request = self._engine.request("/v1/models", _ASK_S)
        try:
            with _http.opened(request) as answer:
                models = json.loads(answer.read_text())["data"] if answer.status == _OK else None
        except (*_http.BROKEN, ValueError, KeyError, TypeError):
            return None
        return None if models is None else {one["id"]: one["root"] for one in models if one.get("parent")}

    def bring(self, wanted: dict[str, str]) -> str:
        """Let the engine have these adapters, by their names, and no other ones; return what went wrong.

        New ones come before old ones go. One of another content is put in its place where the engine can do that.
        """
        loaded = self.loaded()
        if loaded is None:
            return "the engine does not say which adapters it has"
        for name, path in wanted.items():
            problem = "" if loaded.get(name) == path else self._load(name, path, is_there=name in loaded)
            if problem:
                return problem
        gone = [name for name in loaded if name not in wanted]
        return next(filter(None, (self._ask("unload", {"lora_name": name}) for name in gone)), "")

    def _load(self, name: str, path: str, *, is_there: bool) -> str:
        if is_there and self._by not in _IN_PLACE:
            return f"{self._by} does not put an adapter in the place of another one: {name}"
        in_place = {"load_inplace": True} if is_there else {}
        return self._ask("load", {"lora_name": name, "lora_path": path, **in_place})

    def _ask(self, verb: str, asked: dict[str, Any]) -> str:
        path = _PATHS[self._by].format(verb)
        request = self._engine.request(path, _LOAD_S, json.dumps(asked).encode())
        with _http.opened(request) as answer:
            if answer.status == _OK:
                return ""
            said = self._engine.told(answer)
        return f"the engine does not {verb} {asked['lora_name']}: {said}"
