//! The operator's colour, as the pages can use it. A colour is chosen for a letterhead; text in it, and text on it, must be
//! readable by everybody in both themes. So its lightness is moved as far as needed (in OKLCH, where that keeps the hue),
//! and whoever chose it is told.

use std::fmt;

/// sRGB, eight bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub [u8; 3]);

/// What the four accent tokens of the stylesheet become in one theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tones {
    pub accent: Colour,
    /// Under the pointer.
    pub deep: Colour,
    pub wash: Colour,
    pub on_accent: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    pub chosen: Colour,
    pub light: Tones,
    pub dark: Tones,
}

/// WCAG 2.2 §1.4.3 for text.
pub const READABLE: f64 = 4.5;
/// The grounds that stand in the stylesheet: `--surface`, `--canvas`, `--sunken`.
const LIGHT: [Colour; 3] = [Colour([0xff, 0xff, 0xff]), Colour([0xf6, 0xf5, 0xf2]), Colour([0xfa, 0xf9, 0xf7])];
const DARK: [Colour; 3] = [Colour([0x1a, 0x1d, 0x1e]), Colour([0x12, 0x14, 0x15]), Colour([0x15, 0x18, 0x19])];
const WHITE: Colour = LIGHT[0];

impl Colour {
    /// `#0b5c77`, with or without the hash, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let value = u32::from_str_radix(digits, 16).ok();
        let value = value.filter(|_| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let [_, rgb @ ..] = value.to_be_bytes();
        Some(Self(rgb))
    }

    /// WCAG's contrast ratio, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn luminance(self) -> f64 {
        let [r, g, b] = self.0.map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

impl Palette {
    pub fn of(chosen: Colour) -> Self {
        let hue = Oklch::of(chosen);
        let tinted = |lightness, most: f64| Oklch { lightness, chroma: hue.chroma.min(most), ..hue }.colour();

        let wash = tinted(0.95, 0.025);
        let accent = moved(chosen, hue, -STEP, &[&LIGHT[..], &[wash]].concat());
        let at = Oklch::of(accent).lightness;
        // a colour that is nearly black can only get lighter under the pointer
        let deep = Oklch { lightness: if at > 0.3 { at - 0.1 } else { at + 0.12 }, ..hue }.colour();
        let light = Tones { accent, deep, wash, on_accent: WHITE };

        let wash = tinted(0.3, 0.04);
        let accent = moved(chosen, hue, STEP, &[&DARK[..], &[wash]].concat());
        let at = Oklch::of(accent).lightness;
        let deep = Oklch { lightness: if at < 0.9 { at + 0.08 } else { at - 0.06 }, ..hue }.colour();
        let dark = Tones { accent, deep, wash, on_accent: tinted(0.22, 0.03) };
        Self { chosen, light, dark }
    }

    /// Whether pages in the light theme show another colour than the one chosen.
    pub fn is_moved_in_light(&self) -> bool {
        self.light.accent != self.chosen
    }

    pub fn is_moved_in_dark(&self) -> bool {
        self.dark.accent != self.chosen
    }

    /// The second stylesheet. It stands in no layer and so wins over the first one's tokens.
    pub fn stylesheet(&self) -> String {
        let Self { light, dark, .. } = self;
        format!(
            ":root {{\n  --accent: light-dark({}, {});\n  --accent-deep: light-dark({}, {});\n  \
             --accent-wash: light-dark({}, {});\n  --on-accent: light-dark({}, {});\n}}\n",
            light.accent, dark.accent, light.deep, dark.deep, light.wash, dark.wash, light.on_accent, dark.on_accent
        )
    }
}

const STEP: f64 = 0.004;

/// The nearest to `chosen` that can be read on every ground, going the way of `step`.
fn moved(chosen: Colour, hue: Oklch, step: f64, grounds: &[Colour]) -> Colour {
    let readable = |colour: &Colour| grounds.iter().all(|ground| colour.contrast(*ground) >= READABLE);
    let steps = std::iter::successors(Some(hue.lightness), |lightness| Some(lightness + step));
    let way = steps.take_while(|lightness| (0.0..=1.0).contains(lightness)).skip(1);
    let end = if step < 0.0 { Colour([0; 3]) } else { WHITE };
    std::iter::once(chosen)
        .chain(way.map(|lightness| Oklch { lightness, ..hue }.colour()))
        .find(readable)
        .unwrap_or(end)
}

/// Björn Ottosson's OKLab in polar coordinates.
#[derive(Clone, Copy, Debug)]
struct Oklch {
    lightness: f64,
    chroma: f64,
    /// Radians.
    hue: f64,
}

impl Oklch {
    fn of(colour: Colour) -> Self {
        let [r, g, b] = colour.0.map(linear);
        let l = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b).cbrt();
        let m = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b).cbrt();
        let s = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b).cbrt();
        let a = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s;
        let b = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s;
        let lightness = 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
        Self { lightness, chroma: a.hypot(b), hue: b.atan2(a) }
    }

    /// With as much chroma as sRGB has at this lightness.
    fn colour(self) -> Colour {
        let (mut low, mut high) = (0.0, self.chroma);
        if let Some(colour) = self.exact() {
            return colour;
        }
        for _ in 0..16 {
            let middle = f64::midpoint(low, high);
            match (Self { chroma: middle, ..self }).exact() {
                Some(_) => low = middle,
                None => high = middle,
            }
        }
        let grey = |lightness: f64| Self { lightness, chroma: 0.0, ..self }.exact();
        let within = Self { chroma: low, ..self }.exact();
        within.or_else(|| grey(self.lightness.clamp(0.0, 0.999))).unwrap_or(WHITE)
    }

    /// `None`: outside sRGB.
    fn exact(self) -> Option<Colour> {
        let (a, b) = (self.chroma * self.hue.cos(), self.chroma * self.hue.sin());
        let l = (self.lightness + 0.3963377774 * a + 0.2158037573 * b).powi(3);
        let m = (self.lightness - 0.1055613458 * a - 0.0638541728 * b).powi(3);
        let s = (self.lightness - 0.0894841775 * a - 1.2914855480 * b).powi(3);
        let rgb = [
            4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
            -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
            -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
        ];
        let inside = rgb.iter().all(|part| (-0.0005..=1.0005).contains(part));
        inside.then(|| Colour(rgb.map(encoded)))
    }
}

/// IEC 61966-2-1.
fn linear(part: u8) -> f64 {
    let part = f64::from(part) / 255.0;
    if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
}

fn encoded(part: f64) -> u8 {
    let part = part.clamp(0.0, 1.0);
    let part = if part <= 0.0031308 { part * 12.92 } else { 1.055 * part.powf(1.0 / 2.4) - 0.055 };
    (part * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_chosen_can_be_read_in_both_themes() {
        let parts = [0, 51, 102, 153, 204, 255];
        let all = (0..216).map(|n| [parts[n / 36], parts[n / 6 % 6], parts[n % 6]]);
        for chosen in all.map(Colour) {
            let palette = Palette::of(chosen);
            for (tones, grounds) in [(palette.light, LIGHT), (palette.dark, DARK)] {
                let contrast = |a: Colour, b: Colour| assert!(a.contrast(b) >= READABLE, "{chosen}: {a} on {b}");
                for ground in grounds.into_iter().chain([tones.wash]) {
                    contrast(tones.accent, ground);
                    contrast(tones.deep, ground);
                }
                contrast(tones.on_accent, tones.accent);
                contrast(tones.on_accent, tones.deep);
            }
        }
    }

    #[test]
    fn a_colour_that_can_be_read_stays_and_one_that_cannot_keeps_its_hue() {
        let petrol = Palette::of(Colour::parse("#0b5c77").unwrap());
        assert!(!petrol.is_moved_in_light() && petrol.is_moved_in_dark());
        let yellow = Palette::of(Colour::parse("#ffcc00").unwrap());
        assert!(yellow.is_moved_in_light() && !yellow.is_moved_in_dark());
        let turned = (Oklch::of(yellow.light.accent).hue - Oklch::of(yellow.chosen).hue).abs();
        assert!(turned < 0.05, "{turned}: {}", yellow.light.accent);
    }

    #[test]
    fn nothing_but_six_digits_is_a_colour() {
        assert_eq!(Colour::parse("#0B5c77").unwrap().to_string(), "#0b5c77");
        for text in ["", "#fff", "#0b5c7", "+b5c77", "#0b5c777", "red", "#0b5c7g", "#０b5c77", "##0b5c7"] {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
        let sheet = Palette::of(Colour([1, 2, 3])).stylesheet();
        let allowed = |c: char| c.is_ascii_alphanumeric() || " :{}-,;()#\n".contains(c);
        assert!(sheet.chars().all(allowed), "{sheet}");
    }

    #[test]
    fn the_grounds_are_those_of_the_stylesheet() {
        let css = include_str!("../../static/app.css");
        for (name, at) in [("--surface", 0), ("--canvas", 1), ("--sunken", 2)] {
            assert!(css.contains(&format!("{name}: light-dark({}, {});", LIGHT[at], DARK[at])), "{name}");
        }
    }
}
