"""Chunks of any document: no text lost, order kept, sizes bounded, sections apart."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from planner_memory.memory_gateway.chunking import MOST, OVERLAP, TARGET, TINY, chunked, size
from planner_memory.ports.documents import Block


def bare(text: str) -> str:
    return "".join(text.split())


def sentence(n: int, words: int = 12) -> str:
    return " ".join([f"word{n}x{i}" for i in range(words - 1)]) + " end."


def prose(first: int, sentences: int) -> str:
    return " ".join(sentence(first + n) for n in range(sentences))


_words = st.text(alphabet="abcdé漢.!?\n| -", min_size=1, max_size=30)
_texts = st.one_of(
    st.lists(_words, min_size=1, max_size=12).map(" ".join),
    st.builds(prose, st.integers(0, 50), st.integers(1, 60)),
    st.builds(lambda c, n: c * n, st.sampled_from("x漢="), st.integers(1, 9_000)),
    st.builds(lambda n: "\n".join(f"| row{i} | {i} |" for i in range(n)), st.integers(1, 300)),
).filter(lambda t: bool(t.strip()))
_blocks = st.builds(
    lambda kind, text, level, page: Block(kind, text, level if kind == "heading" else 0, page),
    st.sampled_from(["heading", "heading", "text", "text", "list", "table", "code"]),
    _texts,
    st.integers(1, 6),
    st.one_of(st.none(), st.integers(1, 9)),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(_blocks, min_size=1, max_size=14))
def test_no_text_is_lost_order_is_kept_and_sizes_are_bounded(blocks: list[Block]) -> None:
    chunks = chunked(blocks)
    assert bare("".join(c.content[c.repeated :] for c in chunks)) == bare("".join(b.text for b in blocks))
    assert [c.index for c in chunks] == list(range(len(chunks)))
    assert all(c.content.strip() and size(c.content) <= MOST + 1 for c in chunks)
    for before, after in itertools.pairwise(chunks):
        if after.repeated and "|" not in after.content[: after.repeated]:
            assert bare(after.content[: after.repeated]) in bare(before.content)
            assert size(after.content[: after.repeated]) <= OVERLAP + 1


def test_a_long_section_becomes_chunks_of_a_useful_size_that_overlap_by_whole_sentences() -> None:
    chunks = chunked([Block("heading", "Terms", 1), Block("text", prose(0, 100), page=3)])
    assert len(chunks) in range(4, 8)
    assert all(TARGET * 0.7 <= size(c.content) <= MOST for c in chunks[:-1])
    assert all(c.heading == "Terms" and (c.page == 3 or c.index == 0) for c in chunks)
    repeated = chunks[1].content[: chunks[1].repeated]
    assert repeated.startswith("word")
    assert repeated.rstrip().endswith("end.")
    assert chunks[0].content.endswith(repeated.strip())


def test_sections_of_level_one_and_two_stay_apart_and_lower_headings_do_not_cut() -> None:
    blocks = [
        Block("heading", "Guide", 1),
        Block("heading", "Install", 2),
        Block("text", prose(0, 7)),
        Block("heading", "On Linux", 3),
        Block("text", prose(10, 3)),
        Block("heading", "Use", 2),
        Block("text", prose(20, 7)),
    ]
    first, second = chunked(blocks)
    assert first.content.startswith("Guide\n\nInstall\n\nword0")
    assert "On Linux" in first.content
    assert first.heading == "Guide > Install"
    assert second.content.startswith("Use\n\nword20")
    assert (second.heading, second.repeated) == ("Guide > Use", 0)


def test_tiny_sections_share_a_chunk_and_large_ones_take_none_of_them_over() -> None:
    glossary = [b for n in range(4) for b in (Block("heading", f"Term {n}", 2), Block("text", sentence(n)))]
    [only] = chunked(glossary)
    assert all(f"Term {n}" in only.content for n in range(4))
    large = [Block("heading", "A", 2), Block("text", prose(0, TINY // 12 + 1)), Block("heading", "B", 2), Block("text", prose(9, 15))]
    assert [c.content[0] for c in chunked(large)] == ["A", "B"]


def test_a_heading_stays_with_the_text_under_it() -> None:
    blocks = [Block("heading", "All", 1)]
    for n in range(8):
        blocks += [Block("heading", f"Part {n}", 3), Block("text", prose(20 * n, 9))]
    for chunk in chunked(blocks):
        assert not chunk.content.splitlines()[-1].startswith("Part")
        assert chunk.heading is not None
        assert chunk.heading.startswith("All")


def test_a_table_that_fits_stays_whole_and_a_longer_one_repeats_its_heading_row() -> None:
    def table(rows: int) -> str:
        return "| item | price |\n|---|---|\n" + "\n".join(f"| thing {n} | {n} EUR |" for n in range(rows))

    whole = chunked([Block("text", prose(0, 14)), Block("table", table(30)), Block("text", prose(90, 3))])
    assert any(table(30) in c.content for c in whole)
    parts = chunked([Block("table", table(150))])
    assert len(parts) > 2
    assert all(c.content.startswith("| item | price |\n|---|---|\n| thing") for c in parts)
    assert all(line.count("|") == 3 for c in parts for line in c.content.splitlines()[2:])


def test_code_that_fits_is_not_cut() -> None:
    code = "def f():\n" + "\n".join(f"    call_{n}(a, b)" for n in range(60))
    chunks = chunked([Block("text", prose(0, 15)), Block("code", code), Block("text", prose(50, 15))])
    assert any(code in c.content for c in chunks)


def test_merged_sections_name_what_their_headings_share() -> None:
    blocks = [Block("heading", "FAQ", 1), Block("heading", "One", 2), Block("text", "Yes."), Block("heading", "Two", 2), Block("text", "No.")]
    [chunk] = chunked(blocks)
    assert chunk.heading == "FAQ"
    assert chunked([]) == []
