"""cmsis-pack: a software pack (PDSC) for Keil, IAR and the CMSIS-Toolbox, with the example as a code template."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from edgekit_converters.packages import Package, _parts

__all__ = ["arrange"]

_SCHEMA = "1.7.36"
_VENDOR = "EdgeKit"


def arrange(package: Package, sources: Mapping[str, str]) -> dict[str, str]:
    """The pack's folder; a component has no compiler flags of its own, so the sources turn contraction off."""
    archive = f"{_VENDOR}.{package.name}.{package.version}.pack"
    return {
        f"{_VENDOR}.{package.name}.pdsc": _description(package, sources),
        "README.md": _parts.readme(
            package,
            "CMSIS",
            [
                "# A pack is this folder, zipped; the tools of Keil and of the CMSIS-Toolbox install it:",
                f"zip -r ../{archive} . -x '.edgekit/*'",
                f"cpackget add ../{archive}",
                "",
                f"# In a project: the component Machine Learning:EdgeKit:{package.name}, and its template main.c;",
                "# in a csolution, `misc: [{C: [-ffp-contract=off]}]` says the same as the sources do.",
                f"#   components: [component: {_VENDOR}::Machine Learning:EdgeKit:{package.name}]",
            ],
        ),
        "templates/main.c": _parts.example(package),
        **_parts.placed(_parts.guarded(sources), include="include", src="src"),
    }


def _description(package: Package, sources: Mapping[str, str]) -> str:
    about = escape(package.about)
    files = ['<file category="include" name="include/"/>']
    files += [f'<file category="header" name="include/{file}"/>' for file in _parts.headers(sources)]
    files += [f'<file category="source" name="src/{file}"/>' for file in _parts.compiled(sources)]
    files += ['<file category="source" name="templates/main.c" attr="template" select="Self-test on the console"/>']
    lines = "\n".join(f"        {file}" for file in files)
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
{_comment()}
<package schemaVersion="{_SCHEMA}" xmlns:xs="http://www.w3.org/2001/XMLSchema-instance" \
xs:noNamespaceSchemaLocation="https://raw.githubusercontent.com/Open-CMSIS-Pack/Open-CMSIS-Pack-Spec/v{_SCHEMA}/schema/PACK.xsd">
  <vendor>{_VENDOR}</vendor>
  <name>{package.name}</name>
  <description>{about}</description>
  <url>https://example.com/</url>
  <releases>
    <release version="{package.version}">{about}</release>
  </releases>
  <components>
    <component Cclass="Machine Learning" Cgroup="EdgeKit" Csub="{package.name}" Cversion="{package.version}">
      <description>{about}</description>
      <files>
{lines}
      </files>
    </component>
  </components>
</package>
"""


def _comment() -> str:
    return f"<!-- {' '.join(_parts.heading('').split())} -->"
