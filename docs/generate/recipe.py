"""Reads a process as its author wrote it: which steps in which order, what undoes them, what is told when."""

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import get_args, get_type_hints

from crossdock import policies
from crossdock.durable.process import Happening

Function = ast.FunctionDef | ast.AsyncFunctionDef
_WAITS = {"wait_for": "signal", "sleep_until": "timer"}


@dataclass(frozen=True)
class Step:
    """One durable step. `asks` are the calls of ports it makes; `effect` the change to the hub's own records.

    `attached`: the change has no commit of its own; it goes with whatever follows.
    """

    name: str
    asks: Sequence[str] = ()
    effect: str = ""
    attached: bool = False
    undo: str = ""
    recall: str = ""
    pivot: bool = False

    @property
    def writes_outside(self) -> bool:
        """Its intention is durable before the call."""
        return not self.effect and bool(self.undo or self.recall)


@dataclass
class Recipe:
    """Everything on a recipe's way. `told` are event types with the moment they belong to."""

    steps: list[Step] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, event: str, when: str) -> None:
        """Remember an event once for each moment."""
        if (event, when) not in self.told:
            self.told.append((event, when))


class RecipeReader(ast.NodeVisitor):
    """Follows a function and, where it calls them, the other functions of its module."""

    def __init__(self, module: ModuleType) -> None:
        self.recipe = Recipe()
        self._tree = ast.parse(inspect.getsource(module))
        self._functions = {node.name: node for node in ast.walk(self._tree) if isinstance(node, Function)}
        self._events = events_of(module)
        self._when = ""
        self._entered: list[str] = []
        self._left: set[str] = set()

    def follow(self, function: str, when: str = "") -> None:
        """Read a function of the module; what it tells belongs to `when`, else to the last step before."""
        if function in self._entered or function not in self._functions:
            return
        self._entered.append(function)
        left, self._left = self._left, set(get_args(get_type_hints(Happening)["kind"]))
        self._within(when or self._when, self._functions[function].body)
        self._left = left
        self._entered.pop()

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        """What happens on a refusal."""
        self._within("a refusal was met and everything undone", node.body)

    def _within(self, when: str, statements: Sequence[ast.AST]) -> None:
        before, self._when = self._when, when
        for statement in statements:
            self.visit(statement)
        self._when = before

    def visit_If(self, node: ast.If) -> None:
        """What is told of a happening depends on its kind; whatever is left over is the kind not named before."""
        match [part for part in ast.walk(node.test) if isinstance(part, ast.Compare)]:
            case [ast.Compare(ast.Attribute(attr="kind"), [ast.Eq()], [ast.Constant(str(kind))]), *_]:
                self._left.discard(kind)
                self._within(f"a run is {kind}", node.body)
                left = f"a run is {' or '.join(sorted(self._left))}"
                self._within(left, node.orelse)
                if isinstance(node.body[-1], ast.Return):
                    self._when = left  # for what follows in this function
            case _:
                self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """An event is named: it is told."""
        if node.id in self._events:
            last = f"`{self._done()}` is done" if self._done() else "it begins"
            for event in self._events[node.id]:
                self.recipe.tell(event, self._when or last)

    def visit_Call(self, node: ast.Call) -> None:
        """A step, a call of another function of the recipe, or neither."""
        match node.func:
            case ast.Attribute(ast.Name("run"), "step" | "record" | "attach" | "wait_for" | "sleep_until" as kind):
                self._step(kind, node)
            case ast.Name(name) if name in self._functions:
                self.generic_visit(node)
                self.follow(name)
            case _:
                self.generic_visit(node)

    def _done(self) -> str:
        """The last step with a commit of its own."""
        return next((step.name for step in reversed(self.recipe.steps) if not step.attached), "")

    def _step(self, kind: str, node: ast.Call) -> None:
        said = {keyword.arg: keyword.value for keyword in node.keywords}
        name = _name(node.args[0])
        if kind in _WAITS:
            self.recipe.steps.append(Step(f"{_WAITS[kind]}:{name}"))
            return
        action = node.args[1]
        self.recipe.steps.append(
            Step(
                name,
                asks=tuple(dict.fromkeys(self._asked(action))) if kind == "step" else (),
                effect=_called(action) if kind != "step" else "",
                attached=kind == "attach",
                undo=_called(said["undo"]) if "undo" in said else "",
                recall=_called(said["recall"]) if "recall" in said else "",
                pivot="pivot" in said and bool(ast.literal_eval(said["pivot"])),
            )
        )
        if "on_wait" in said:
            self._within(f"`{name}` has to wait", [said["on_wait"]])

    def _asked(self, action: ast.AST) -> Iterator[str]:
        """The methods of collaborators that an action calls, itself or through functions of the module."""
        calls = [node for node in ast.walk(action) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            match call.func:
                case ast.Attribute(ast.Attribute(ast.Name("using")), method) | ast.Attribute(
                    ast.Subscript(ast.Attribute(ast.Name("using"))), method
                ):
                    yield method
                case ast.Name(name) if name in self._functions:
                    yield from self._asked(self._functions[name])


def _name(node: ast.AST) -> str:
    """A step's name; where it is one of many, `…` stands for what tells them apart."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return str(ast.literal_eval(node))


def events_of(module: ModuleType) -> Mapping[str, Sequence[str]]:
    """The names in a module that stand for events, as these are called on the wire.

    A function of the policies that makes an event stands for whatever it makes.
    """
    kinds = {name: [kind] for name, value in vars(module).items() if (kind := _type_of(value))}
    for name, value in vars(module).items():
        if inspect.isfunction(value) and value.__module__.startswith(policies.__name__):
            made = [kind for used in inspect.getclosurevars(value).globals.values() if (kind := _type_of(used))]
            kinds |= {name: made} if made else {}
    return kinds


def _type_of(value: object) -> str:
    kind = getattr(value, "type", None) if isinstance(value, type) else None
    return kind if isinstance(kind, str) else ""


def _called(node: ast.AST) -> str:
    """The name of what a lambda or an expression calls."""
    call = node.body if isinstance(node, ast.Lambda) else node
    assert isinstance(call, ast.Call), f"{ast.unparse(node)} is no call"
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
