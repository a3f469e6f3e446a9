from __future__ import annotations

from pathlib import Path

from watchwall.build import fingerprint


def test_any_change_of_code_template_style_or_script_is_another_build(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "widgets").mkdir()
    found = [fingerprint(tmp_path)]

    for name, text in (("static/a.js", "1"), ("static/a.js", "2"), ("widgets/a.py", "1")):
        (tmp_path / name).write_text(text)
        found.append(fingerprint(tmp_path))
    (tmp_path / "static/a.js").rename(tmp_path / "static/b.js")
    found.append(fingerprint(tmp_path))

    assert len(set(found)) == len(found)


def test_what_is_not_ours_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    before = fingerprint(tmp_path)

    (tmp_path / "var" / "data.js").write_text("1")

    assert fingerprint(tmp_path) == before
