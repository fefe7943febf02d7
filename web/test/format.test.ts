import { describe, expect, test } from "vitest";

import { diff } from "../src/format/diff";
import { quoted } from "../src/format/filter";
import { parseContainer, parseExact, search, written } from "../src/format/json";
import { between, exact, moment } from "../src/format/time";
import { cost, count, duration, mean, plural, signed, size } from "../src/format/units";
import { oneLine, pieces, visible } from "../src/format/visible";

describe("units", () => {
  test("a duration has three digits that count, in the unit that fits", () => {
    expect([0, 999, 1_500, 54_200_000, 4_530_000_000, 61e9, 3_725e9, 90_000e9].map(duration)).toEqual([
      "0 ns", "999 ns", "1.50 µs", "54.2 ms", "4.53 s", "1 min 1 s", "1 h 2 min", "1 d 1 h",
    ]); // prettier-ignore
  });

  test("a cost keeps the digits that tell it from another, and no cost is not 0", () => {
    expect([null, 0, 3.16e-6, 0.0000301, 0.00123, 0.25, 1.5, 1234.5].map(cost)).toEqual([
      "–", "$0", "$0.0000032", "$0.00003", "$0.00123", "$0.25", "$1.50", "$1,235",
    ]); // prettier-ignore
  });

  test("counts are shortened from ten thousand on", () => {
    expect([null, 0, 9_999, 33_000, 1_250_000].map(count)).toEqual(["–", "0", "9,999", "33K", "1.3M"]);
    expect([plural(1, "row"), plural(2, "row"), plural(0, "match", "matches")]).toEqual(["1 row", "2 rows", "0 matches"]);
    expect([12, 26_800, 20e6].map(size)).toEqual(["12 B", "26.8 KB", "20.0 MB"]);
  });

  test("means line up and differences have a sign", () => {
    expect([1, 2 / 3, null].map(mean)).toEqual(["1.000", "0.667", "–"]);
    expect([0.55, -0.1, 0, null].map(signed)).toEqual(["+0.550", "−0.100", "0.000", "–"]);
  });
});

describe("moments", () => {
  test("no digit is lost, though a number of JavaScript could not hold it", () => {
    expect(exact("1795669633547614249")).toMatch(/\.547614249/);
    expect(exact("1795669633547614249")).toMatch(/2026-11-26T05:07:13\.547614249Z$/);
    expect(between("1795669633547614249", "1795669633547614250")).toBe(1);
  });

  test("the day is said when it is not today", () => {
    const now = new Date(1_795_669_700_000);
    expect(moment("1795669633547614249", now)).not.toMatch(/Nov/);
    expect(moment("1795469633547614249", now)).toMatch(/Nov/);
  });
});

describe("what cannot be seen", () => {
  test("is shown by its code: direction, controls, tags, zero width, lone surrogates", () => {
    expect(visible("a\u202eb\u0000c\u{e0041}d\u200be\ud800f")).toBe("a⟨U+202E⟩b⟨U+0000⟩c⟨U+E0041⟩d⟨U+200B⟩e⟨U+D800⟩f");
    expect(pieces("safe\u202etxt")).toEqual([
      { text: "safe", isHidden: false },
      { text: "U+202E", isHidden: true },
      { text: "txt", isHidden: false },
    ]);
  });

  test("leaves alone what is seen: lines, tabs, emoji, other scripts", () => {
    const text = "a\n\tb 👩‍🚀 שלום 日本語\r\n";
    expect(visible(text.replace("\r", ""))).toBe(text.replace("\r", ""));
    expect(pieces(text).every((piece) => !piece.isHidden)).toBe(true);
  });

  test("a preview is one line and short", () => {
    expect(oneLine("a\n  b\u202e", 10)).toBe("a b⟨U+202E⟩");
    expect(oneLine("x".repeat(500), 5)).toBe("xxxxx…");
  });
});

describe("JSON", () => {
  test("whole numbers stay exact, also when written again", () => {
    const value = parseExact('{"id": 12345678901234567890, "n": 1.5, "s": "12345678901234567890"}');
    expect(value).toEqual({ id: 12345678901234567890n, n: 1.5, s: "12345678901234567890" });
    expect(written(value, 0)).toBe('{"id":12345678901234567890,"n":1.5,"s":"12345678901234567890"}');
  });

  test("ten thousand levels are read and searched without running out of stack", () => {
    const deep = parseExact(`${"[".repeat(10_000)}"needle"${"]".repeat(10_000)}`);
    expect(search(deep, "NEEDLE", 10)).toHaveLength(1);
    expect(written(deep)).toMatch(/nested too deeply|needle/);
  });

  test("only objects and lists are containers", () => {
    expect(["[1]", ' {"a": 1}', "12", '"x"', "[cut", "text"].map(parseContainer)).toEqual([
      [1], { a: 1 }, undefined, undefined, undefined, undefined,
    ]); // prettier-ignore
  });

  test("a search tells where keys and values are, up to its limit", () => {
    const value = { user: { name: "Ada" }, list: ["ada", "bob"], adamant: 1 };
    expect(search(value, "ada", 10).map((each) => each.path)).toEqual(["user.name", "list.0", "adamant"]);
    expect(search(value, "ada", 2)).toHaveLength(2);
  });
});

test("a value in a filter cannot end its quotes", () => {
  expect(quoted('a"b\\c')).toBe('"a\\"b\\\\c"');
});

describe("what two outputs have in common", () => {
  const own = (words: { text: string; isOwn: boolean }[] | undefined) => words?.filter((each) => each.isOwn).map((each) => each.text);

  test("only the words that differ are marked, and nothing is lost", () => {
    const found = diff("The risk is low.", "The risk is very high.");
    expect(own(found?.left)).toEqual(["low"]);
    expect(own(found?.right)?.join("")).toBe("very high");
    expect(found?.right.map((each) => each.text).join("")).toBe("The risk is very high.");
  });

  test("the same text has no mark; texts that are too long are not compared", () => {
    expect(own(diff("same", "same")?.left)).toEqual([]);
    expect(diff("a ".repeat(2_000), "b ".repeat(2_000))).toBeNull();
  });
});
