//! The two faces that documents are set in, built into the program, and how wide their texts are. What a newcomer would get
//! wrong: a character that the face lacks may not be drawn at all in an archival document, so that one emoji would cost
//! the whole file. It is shown as lost instead.

use std::collections::HashMap;
use std::sync::LazyLock;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::MetadataProvider;
use skrifa::instance::{LocationRef, Size};

use crate::error::{Error, Result};

/// Lengths on a page are whole thousandths of a point: sums of them are exact.
pub const POINT: i64 = 1000;

/// Stands for a character that the face lacks.
const LOST: char = '\u{fffd}';

/// How heavy letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Text.
    Regular,
    /// Headings, names of rows and what is set apart.
    Bold,
}

/// A face: what draws its letters, and the glyph and width of each character in thousandths of the size.
pub struct Face {
    font: Font,
    glyphs: HashMap<char, (u32, i64)>,
    lost: (u32, i64),
}

static REGULAR: LazyLock<Option<Face>> =
    LazyLock::new(|| Face::read(include_bytes!("../../assets/fonts/NotoSans-Regular-ejf.ttf")));
static BOLD: LazyLock<Option<Face>> =
    LazyLock::new(|| Face::read(include_bytes!("../../assets/fonts/NotoSans-Bold-ejf.ttf")));

impl Face {
    /// The face of a weight.
    ///
    /// # Errors
    /// Internal error: the file built in is no font.
    pub fn of(weight: Weight) -> Result<&'static Face> {
        let face = match weight {
            Weight::Regular => &REGULAR,
            Weight::Bold => &BOLD,
        };
        face.as_ref().ok_or_else(|| Error::internal("a font that is built in cannot be read"))
    }

    fn read(bytes: &'static [u8]) -> Option<Face> {
        let face = skrifa::FontRef::new(bytes).ok()?; // no font, as the caller says
        let metrics = face.glyph_metrics(Size::unscaled(), LocationRef::default());
        let per_em = i64::from(face.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
        let glyphs: HashMap<char, (u32, i64)> = face
            .charmap()
            .mappings()
            .filter_map(|(code, glyph)| {
                let width = metrics.advance_width(glyph)? as i64 * 1000 / per_em;
                Some((char::from_u32(code)?, (glyph.to_u32(), width)))
            })
            .collect();
        let lost = *glyphs.get(&LOST)?;
        Some(Face { font: Font::new(bytes.to_vec().into(), 0)?, glyphs, lost })
    }

    /// What draws the letters.
    pub fn font(&self) -> Font {
        self.font.clone()
    }

    /// How wide a text is at a size, both in thousandths of a point.
    pub fn width(&self, text: &str, size: i64) -> i64 {
        let thousandths: i64 = text.chars().map(|c| self.glyph(c).1).sum();
        thousandths * size / 1000
    }

    /// A text as it can be set: what the face lacks is shown as lost, controls are blanks.
    pub fn settable(&self, text: &str) -> String {
        text.chars()
            .map(|c| match c {
                // The face has no minus sign; a dash of its width stands for it.
                '−' => '–',
                _ if self.glyphs.contains_key(&c) => c,
                _ if c.is_whitespace() || c.is_control() => ' ',
                _ => LOST,
            })
            .collect()
    }

    /// The glyphs of a settable text.
    pub fn glyphs(&self, text: &str) -> Vec<KrillaGlyph> {
        text.char_indices()
            .map(|(at, c)| {
                let (glyph, width) = self.glyph(c);
                let advance = width as f32 / 1000.0;
                KrillaGlyph::new(GlyphId::new(glyph), advance, 0.0, 0.0, 0.0, at..at + c.len_utf8(), None)
            })
            .collect()
    }

    fn glyph(&self, c: char) -> (u32, i64) {
        *self.glyphs.get(&c).unwrap_or(&self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_have_every_letter_of_the_three_languages_and_the_signs_of_the_catalogue() {
        let alphabets = "ӘәҒғҚқҢңӨөҰұҮүҺһІіЁёЙйЪъЫыЭэ«»—–№₸…“”’\u{a0}";
        let catalogues = [
            include_str!("../../texts/kk.ftl"),
            include_str!("../../texts/ru.ftl"),
            include_str!("../../texts/en.ftl"),
        ];
        let printed = catalogues
            .iter()
            .flat_map(|text| text.lines())
            .filter(|line| ["fi", "notice-"].iter().any(|part| line.starts_with(part)));
        for weight in [Weight::Regular, Weight::Bold] {
            let face = Face::of(weight).unwrap();
            for c in alphabets.chars().chain(printed.clone().flat_map(str::chars)) {
                assert!(face.glyphs.contains_key(&c), "{c:?} {weight:?}");
            }
        }
    }

    #[test]
    fn what_a_face_lacks_is_shown_as_lost_and_a_control_as_a_blank() {
        let face = Face::of(Weight::Regular).unwrap();
        assert_eq!(face.settable("Қ🙂\u{7}\ta −5"), "Қ\u{fffd}  a –5");
        assert!(face.width("Қазақ", 10 * POINT) > face.width("Қаза", 10 * POINT));
    }
}
