"""What every runtime does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np

from edgekit import registry, runtimes, tflite
from edgekit.errors import ModelError, RuntimeFailed, UsageError
from edgekit.figures import givers
from edgekit.runtimes import Runtime, Session
from edgekit.tensors import Array, dequantize, quantize
from edgekit.testing.saying import expect, refuses, runs
from edgekit.tflite import reader

__all__ = ["check_runtime"]

_X = np.array([[-2.0, -0.5, 0.25, 3.0]], np.float32)


def check_runtime(runtime: Runtime) -> None:
    """Hold a runtime to what commands rely on, with its `sample`, a ReLU of [1, 4], and with files that are no models.

    Args:
        runtime: The `RUNTIME` of a module; what it needs must be installed.

    Raises:
        AssertionError: It cannot be used here, or breaks a rule; the sentence names it.
    """
    expect(isinstance(runtime, Runtime), "RUNTIME is an edgekit.runtimes.Runtime.", type(runtime).__name__)
    with runs(f"{runtime.name}: probe"):
        reason = runtime.probe()
    expect(reason is None, f"{runtime.name} can be used here.", reason)
    slots = (runtime.executor, runtime.meter, runtime.timer)
    expect(any(slots), f"{runtime.name} has an executor, a meter or a timer.")
    _check_figures(runtime)
    _check_refusals(runtime)
    if runtime.executor is None:
        refuses(
            lambda: runtime.open(runtime.sample), RuntimeFailed, f"{runtime.name} without an executor opens no model."
        )
    else:
        _check_session(runtime)
    _check_read_models(runtime)


def _check_session(runtime: Runtime) -> None:
    assert runtime.executor is not None
    name, session = runtime.name, _opened(runtime, runtime.sample)
    graph = tflite.read(runtime.sample).graphs[0]
    own = graph.tensors[graph.inputs[0]].spec
    try:
        told = [(spec.shape, spec.dtype, spec.scale) for spec in session.inputs]
        whole = [((1, 4), own.dtype, own.scale)]
        expect(told == whole, f"{name} gives the input of the file: {own.dtype} [1, 4].", told)
        shapes = [spec.shape for spec in session.outputs]
        expect(shapes == [(1, 4)], f"{name} gives the output of the file: [1, 4].", shapes)
        for x in (_X, -_X):  # the second call shows what the first has left behind
            _check_relu(name, session, x)
        said = refuses(lambda: session.run([np.zeros(4)]), ModelError, f"{name} refuses arrays of another dtype.")
        both = f"{own.dtype} [1, 4]" in said and "float64 [4]" in said
        expect(both, f"{name} says what it takes and received.", said)
        _check_batcher(name, session)
        _check_clock(name, session, clocked=runtime.executor.clocked)
    finally:
        session.close()
    with runs(f"{name}: closing a session a second time"):
        session.close()
    x = quantize(_X, own)
    refuses(lambda: session.run([x]), RuntimeFailed, f"{name} runs nothing in a session that is closed.")


def _opened(runtime: Runtime, source: runtimes.Source) -> Session:
    with runs(f"{runtime.name}: opening a model"):
        return runtime.open(source)


def _check_relu(name: str, session: Session, x: Array) -> None:
    with runs(f"{name}: one inference"):
        outputs = session.run([quantize(x, session.inputs[0])])
    outputs = [dequantize(values, spec) for values, spec in zip(outputs, session.outputs, strict=False)]
    expect(
        len(outputs) == 1 and np.array_equal(outputs[0], np.maximum(x, 0)),
        f"{name} answers {x.tolist()} with {np.maximum(x, 0).tolist()}.",
        [output.tolist() for output in outputs],
    )


def _check_batcher(name: str, session: Session) -> None:
    if session.batcher is None:
        return
    # Multiples of 1/4 in -7..7, which the steps of quantised samples hit.
    many = np.random.default_rng(0).integers(-28, 28, (70, 4)).astype(np.float32) / 4
    with runs(f"{name}: many samples at once"):
        batch = session.batcher.plan([many])
        answers = session.batcher.map([many])
    expect(1 <= batch <= 70, f"{name} takes 1 to 70 of 70 samples at once.", batch)
    expect(np.array_equal(answers, np.maximum(many, 0)), f"{name} answers many samples as it answers each.")


def _check_clock(name: str, session: Session, *, clocked: bool) -> None:
    expect((session.clock is not None) == clocked, f"{name}: sessions have a clock where `clocked` says so.", clocked)
    if session.clock is None:
        return
    with runs(f"{name}: timing"):
        took = session.clock.time([np.zeros((1, 4), session.inputs[0].dtype)], 5)
        memory, switches = session.clock.peak_memory(), session.clock.switches()
    expect(len(took) == 5 and min(took) > 0, f"{name} gives a time above 0 for each of 5 inferences.", took)
    expect(memory is None or memory > 0, f"{name} tells the memory as bytes, or None.", memory)
    expect(switches is None or switches >= 0, f"{name} tells switches as a count, or None.", switches)


def _asks(runtime: Runtime) -> list[tuple[str, Callable[[runtimes.Source], object]]]:
    found: list[tuple[str, Callable[[runtimes.Source], object]]] = []
    if runtime.executor is not None:
        found.append(("executor", runtime.executor.open))
    if runtime.meter is not None:
        found.append(("meter", runtime.meter.measure))
    if runtime.timer is not None:
        found.append(("timer", runtime.timer.time))
    return found


def _check_refusals(runtime: Runtime) -> None:
    with tempfile.TemporaryDirectory() as folder:
        junk, absent = Path(folder) / "junk.tflite", Path(folder) / "absent.tflite"
        junk.write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(range(200)))
        for slot, ask in _asks(runtime):
            for path, said in ((junk, "is no model"), (absent, "is not there")):
                rule = f"The {slot} of {runtime.name} refuses a file that {said} with a ModelError."
                refuses(lambda ask=ask, path=path: ask(path), ModelError, rule)  # type: ignore[misc]


def _check_figures(runtime: Runtime) -> None:
    name, told = runtime.name, {figure.name for figure in runtime.figures}
    expect(runtime.meter is None or told, f"{name} has a meter, so it lists figures.")
    others = {figure.runtime for figure in runtime.figures} - {name}
    expect(not others, f"Each figure of {name} names {name} as its runtime.", ", ".join(sorted(others)))
    if name in registry.names(runtimes):
        known = all(figure in givers(figure.name) for figure in runtime.figures)
        expect(known, f"The figures of {name} stand in the table of figures.")
        for figure in runtime.figures:
            titles = {other.title for other in givers(figure.name)}
            expect(len(titles) == 1, f"All runtimes that give {figure.name} call it the same.", ", ".join(titles))
    if runtime.meter is not None:
        with runs(f"{name}: measuring a model"):
            values = runtime.measure(runtime.sample).values
        expect(values and set(values) <= told, f"The meter of {name} tells figures that it lists.", dict(values))


def _check_read_models(runtime: Runtime) -> None:
    """A file is read once: its bytes are not parsed again where somebody has the model."""
    name, model = runtime.name, tflite.read(runtime.sample)
    with runs(f"{name}: what it answers wrongly"):
        findings = runtime.wrong_answers(model)
    expect(findings == (), f"{name} knows of no wrong answer to a model that it answers rightly.", findings)
    again = AssertionError(f"{name} reads a file again that was read before.")
    with patch.object(reader, "read_bytes", side_effect=again):
        if runtime.executor is not None:
            session = _opened(runtime, model)
            try:
                _check_relu(name, session, _X)
            finally:
                session.close()
        if runtime.meter is not None:
            with runs(f"{name}: measuring a model that was read"):
                expect(runtime.measure(model).values, f"{name} measures a model that was read.")
    in_memory = tflite.read(runtime.sample.read_bytes())
    for slot, ask in _asks(runtime):
        if slot != "timer":
            rule = f"The {slot} of {name} refuses bytes that lie in no file with a UsageError."
            said = refuses(lambda ask=ask: ask(in_memory), UsageError, rule)  # type: ignore[misc]
            expect("A runtime runs files. Received: bytes" in said, rule, said)
