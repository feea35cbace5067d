"""Lines of code: what counts in each language of the compared servers."""

import pytest
from chinwag_bench.servers.lines_of_code import count_code, lines_of_code

ELIXIR = '''defmodule A do
  @moduledoc """
  What it is.

  And "why" #{it} is.
  """
  @doc "One."
  # Two.
  @spec b :: 1
  def b, do: """
  a text that is used
  """
end
'''
PYTHON = '''"""What it is."""

# Why.
def f(
    a,  # this is code, too
):
    """Says what.

    And more.
    """
    return "# no comment"
'''
RUST = """//! What it is.
#[derive(Debug)]
struct A; /* why */
/* a comment
   over lines */
fn f(a: &mut u8) {
    *a = 1;
}
"""
CPP = """#pragma once
#include <map>
/* one
 * two */
int f(int* a) {
    *a = 1; // three
}
"""
JAVASCRIPT = """/** What it is. */
class A {
  #hidden = 1;
  // why
  *[Symbol.iterator]() {}
}
"""
GO = """// Package a is.
package a

/* why */
const a = `
// a text that is used
`
"""


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.ex", ELIXIR, 6),
        ("a.py", PYTHON, 4),
        ("a.rs", RUST, 5),
        ("a.hpp", CPP, 5),
        ("a.js", JAVASCRIPT, 4),
        ("a.go", GO, 4),
        ("CMakeLists.txt", "# why\nproject(a)\n\n", 1),
        ("a.unknown", "one\n\n  \n# two", 2),
        ("a.py", "", 0),
    ],
)
def test_comments_and_documentation_are_not_code(name, text, lines):
    assert count_code(name, text) == lines


def test_a_file_that_two_globs_name_counts_once(tmp_path):
    (tmp_path / "a.py").write_text("a = 1\n\nb = 2")
    (tmp_path / "b.txt").write_text("three\n")
    counted = lines_of_code(tmp_path, ["*.py", "a.*", "*.txt", "absent"])
    assert counted == {tmp_path / "a.py": 2, tmp_path / "b.txt": 1}


def test_bytes_that_are_no_text_do_not_stop_the_count(tmp_path):
    (tmp_path / "a.py").write_bytes(b"a = '\xff'\r\n\r\nb = 2")
    assert lines_of_code(tmp_path, ["a.py"]) == {tmp_path / "a.py": 2}
