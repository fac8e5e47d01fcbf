import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { DIRECT, Look, NO_COLOUR, PLAIN } from "./outputAnsi";
import { coloursOf, CONTRAST, contrast, parse, SURFACE } from "./outputColour";

const SCHEMES = ["light", "dark"] as const;
const PALETTE = [NO_COLOUR, ...Array.from({ length: 256 }, (_, colour) => colour)];
const DIRECTS = [0x000000, 0xffffff, 0x808080, 0xff0000, 0x00ff00, 0x0000ff, 0xffff00, 0x777777].map((rgb) => DIRECT + rgb);

it("knows the surface that the theme gives it", () => {
  const tokens = readFileSync(new URL("../styles/tokens.css", import.meta.url), "utf8");
  for (const scheme of SCHEMES) {
    const theme = tokens.slice(tokens.indexOf(`color-scheme="${scheme}"] {\n  --canvas`));
    const token = (name: string) => new RegExp(`--${name}: (#\\w+);`).exec(theme)?.[1];
    expect(SURFACE[scheme]).toEqual({ output: token("output"), text: token("text") });
  }
});

it("leaves plain text alone", () => expect(SCHEMES.map((scheme) => coloursOf(PLAIN, scheme))).toEqual([{}, {}]));

it("can be read in every colour on every other, in both themes", () => {
  const unreadable: string[] = [];
  for (const scheme of SCHEMES) {
    for (const foreground of [...PALETTE, ...DIRECTS]) {
      for (const background of [NO_COLOUR, 0, 1, 3, 7, 8, 11, 15, 21, 46, 102, 226, 244, 255, ...DIRECTS]) {
        for (const looks of [0, Look.dim, Look.inverse]) {
          const { color = SURFACE[scheme].text, backgroundColor = SURFACE[scheme].output } = coloursOf({ foreground, background, looks }, scheme);
          if (contrast(parse(color), parse(backgroundColor)) < CONTRAST) unreadable.push(`${scheme} ${foreground} ${background} ${looks}`);
        }
      }
    }
  }
  expect(unreadable).toEqual([]);
});

it("keeps colours that can be read as they are, and the named ones apart", () => {
  expect(coloursOf({ ...PLAIN, foreground: DIRECT + 0x1144aa }, "light")).toEqual({ color: "#1144aa" });
  for (const scheme of SCHEMES) {
    const colours = [1, 2, 3, 4, 5, 6].map((foreground) => coloursOf({ ...PLAIN, foreground }, scheme).color);
    expect(new Set(colours).size).toBe(6);
  }
});
