"""edgekit doctor: what this machine has and lacks."""

from __future__ import annotations

import click

from edgekit.cli import options, output

SUMMARY = "What this machine has, what is missing and how to get it."

EXTRAS = {
    "tensorflow": "train", "tf-keras": "train", "tensorflow-model-optimization": "train", "keras": "train",
    "scikit-learn": "train", "tflite-micro": "mcu", "ethos-u-vela": "mcu", "jinja2": "report",
}  # fmt: skip


@click.command()
@click.option(
    "--install",
    type=click.Choice(["arm64", "jvm", "cortex_m", "riscv", "android"]),
    help="Fetch and build what a runtime needs (for android: what compiles an AAR in Kotlin) into a cache. For "
    "cortex_m and riscv, apt-get installs a compiler and an emulator, which needs root.",
)
@click.option("--apt", is_flag=True, help="With --install: also let apt-get install its tools, which needs root.")
@options.json
@options.debug
def command(install: str | None, apt: bool, as_json: bool) -> None:
    """Check packages, runtimes and the confinement of foreign files. Exit code 1 if something is broken.

    "weaker" means that models from strangers should be read on another machine; your own are as safe as ever.

    \b
    edgekit doctor
    edgekit doctor --install arm64
    edgekit doctor --install jvm
    edgekit doctor --install cortex_m
    edgekit doctor --install android
    """
    if install == "arm64":
        from edgekit.runtimes import arm64

        arm64.install(apt=apt)
    elif install == "jvm":
        from edgekit.runtimes import jvm

        jvm.install(apt=apt)
    elif install == "cortex_m":
        from edgekit.runtimes import cortex_m

        cortex_m.install()
    elif install == "riscv":
        from edgekit.runtimes import riscv

        riscv.install()
    elif install == "android":
        from edgekit_converters.android.wrapper.kotlin import compiler

        compiler.install(apt=apt)
    checks = [*_packages(), *_runtimes(), _sandbox()]
    broken = [c for c in checks if c["state"] == "broken"]
    if as_json:
        output.print_json({"schema": "edgekit.doctor/1", "ok": not broken, "checks": checks})
    else:
        rows = [[c["name"], c["state"], c["detail"]] for c in checks]
        output.table("EdgeKit on this machine", ["what", "state", "detail"], rows, figures=False)
    if broken:
        raise click.exceptions.Exit(1)


def _packages() -> list[dict[str, str]]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    checks = [{"name": "python", "state": "ok", "detail": platform.python_version()}]
    for package in ("numpy", "ai-edge-litert", "pydantic", *EXTRAS):
        try:
            checks.append({"name": package, "state": "ok", "detail": version(package)})
        except PackageNotFoundError:
            extra = EXTRAS.get(package)
            remedy = f"pip install 'edgekit[{extra}]'" if extra else "pip install --force-reinstall edgekit"
            checks.append({"name": package, "state": "missing" if extra else "broken", "detail": remedy})
    return checks


def _runtimes() -> list[dict[str, str]]:
    from edgekit.runtimes import load_runtime, runtime_names

    checks = []
    for name in runtime_names():
        reason = load_runtime(name).probe()
        checks.append(
            {"name": f"runtime {name}", "state": "ok" if reason is None else "missing", "detail": reason or "works"}
        )
    if not any(c["state"] == "ok" for c in checks):
        checks.append({"name": "runtimes", "state": "broken", "detail": "no runtime works: models cannot be measured"})
    return checks


def _sandbox() -> dict[str, str]:
    from edgekit import sandbox
    from edgekit.errors import EdgekitError

    try:
        missing = sandbox.missing_limits()
    except EdgekitError as error:
        return {"name": "sandbox", "state": "broken", "detail": str(error)}
    if missing:
        return {"name": "sandbox", "state": "weaker", "detail": " ".join(missing)}
    return {"name": "sandbox", "state": "ok", "detail": "foreign model files are read in a process that is shut off"}
