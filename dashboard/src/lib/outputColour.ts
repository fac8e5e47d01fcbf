import { DIRECT, Look, NO_COLOUR, type Style } from "./outputAnsi";

export type Scheme = "light" | "dark";
type Rgb = readonly [red: number, green: number, blue: number];

/** The surface that output stands on and its text: `--output` and `--text` of styles/tokens.css. */
export const SURFACE: Record<Scheme, { output: string; text: string }> = {
  light: { output: "#fafafb", text: "#1b1c22" },
  dark: { output: "#0c0d11", text: "#e9eaf0" },
};

/** The sixteen colours that have names, as text: black to white, then bright. They are relatives of the theme's own. */
const NAMED: Record<Scheme, readonly string[]> = {
  light: [
    "#1b1c22", "#bf2a25", "#177245", "#8a5300", "#2459b8", "#8c3bb0", "#0b6b80", "#5c5f6d",
    "#5c5f6d", "#d0322c", "#1b8450", "#9a6200", "#2f6bd6", "#a44bca", "#0e7d95", "#1b1c22",
  ],
  dark: [
    "#a0a3b1", "#ff8a80", "#58c890", "#f0b448", "#82b1ff", "#d6a3f0", "#5ccbe0", "#e9eaf0",
    "#a0a3b1", "#ffa79f", "#7ee0ad", "#ffcd73", "#a9c9ff", "#e6c2f8", "#8be0ef", "#ffffff",
  ],
}; // prettier-ignore

/** The same as backgrounds, where white is white and black is black in both themes. */
const BEHIND: readonly string[] = [
  "#1b1c22", "#a5211d", "#17703f", "#8f6a00", "#2459b8", "#7d349e", "#0b6b80", "#d8d9e0",
  "#5c5f6d", "#ff8a80", "#7ee0ad", "#ffd666", "#a9c9ff", "#e6c2f8", "#8be0ef", "#ffffff",
]; // prettier-ignore

/** The least contrast of text with what it stands on (WCAG 2.2, 1.4.3). */
export const CONTRAST = 4.5;
/** So much of its surface shows through dim text. */
const DIM = 0.3;

const known = new Map<string, { color?: string; backgroundColor?: string }>();

/** A style's colours on the output's surface, made readable where they are not; none where the text is plain. */
export function coloursOf(style: Style, scheme: Scheme): { color?: string; backgroundColor?: string } {
  const key = `${scheme} ${style.foreground} ${style.background} ${style.looks & (Look.inverse | Look.dim)}`;
  let colours = known.get(key);
  if (!colours) {
    // A program may use all of 16 million colours; what is not remembered is worked out again.
    if (known.size > 4_096) known.clear();
    colours = workOut(style, scheme);
    known.set(key, colours);
  }
  return colours;
}

function workOut({ foreground, background, looks }: Style, scheme: Scheme): { color?: string; backgroundColor?: string } {
  const surface = SURFACE[scheme];
  let text = foreground === NO_COLOUR ? parse(surface.text) : rgbOf(foreground, NAMED[scheme]);
  let behind = background === NO_COLOUR ? parse(surface.output) : rgbOf(background, BEHIND);
  if (looks & Look.inverse) [text, behind] = [behind, text];
  if (looks & Look.dim) text = mix(text, behind, DIM);
  const color = format(readable(text, behind));
  const bare = background === NO_COLOUR && !(looks & Look.inverse);
  return bare ? (color === surface.text ? {} : { color }) : { color, backgroundColor: format(behind) };
}

/** A colour of the palette of 256, whose first sixteen are given, or a direct one. */
function rgbOf(colour: number, named: readonly string[]): Rgb {
  if (colour >= DIRECT) return [(colour >> 16) & 0xff, (colour >> 8) & 0xff, colour & 0xff];
  if (colour < 16) return parse(named[colour] ?? "#808080");
  if (colour >= 232) return [8 + (colour - 232) * 10, 8 + (colour - 232) * 10, 8 + (colour - 232) * 10];
  const cube = colour - 16;
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  return [level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)];
}

/** The nearest shade of a colour, towards white or black, that can be read on another. */
export function readable(text: Rgb, behind: Rgb): Rgb {
  if (contrast(text, behind) >= CONTRAST) return text;
  const white: Rgb = [255, 255, 255];
  const black: Rgb = [0, 0, 0];
  const end = contrast(white, behind) > contrast(black, behind) ? white : black;
  let [near, far] = [0, 1];
  for (let step = 0; step < 8; step++) {
    const middle = (near + far) / 2;
    if (contrast(mix(text, end, middle), behind) >= CONTRAST) far = middle;
    else near = middle;
  }
  return mix(text, end, far);
}

/** Contrast of two colours, 1 to 21 (WCAG 2.2). */
export function contrast(one: Rgb, other: Rgb): number {
  const [dark, light] = [luminance(one), luminance(other)].toSorted((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance([red, green, blue]: Rgb): number {
  const linear = (part: number) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const part = (a: number, b: number) => Math.round(a + (b - a) * share);
  return [part(from[0], to[0]), part(from[1], to[1]), part(from[2], to[2])];
}

export function parse(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 0xff, value & 0xff];
}

function format([red, green, blue]: Rgb): string {
  return `#${((red << 16) | (green << 8) | blue).toString(16).padStart(6, "0")}`;
}
