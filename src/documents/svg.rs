//! A drawing as SVG: text that is searched and read aloud, a few shapes, and nothing that runs or is fetched. What a
//! newcomer would get wrong: no `style`, class, script or link belongs here. The service's CSP drops them and a PDF knows
//! none; whatever is seen stands in presentation attributes, and whatever is told by colour is told by shape as well.

use std::fmt::Write;

use crate::domain::methodology::Text;
use crate::texts::Language;

/// The width of every drawing in its own units; a page or a printer scales it.
pub const WIDTH: i64 = 720;

/// What stays free at each edge.
pub const MARGIN: i64 = 16;

/// From edge to edge.
pub const FULL: Column = Column { x: MARGIN, width: WIDTH - 2 * MARGIN };

/// The longest name that is drawn whole, in characters; what is longer is no name, and would make a drawing without end.
const NAME_CHARS_MAX: usize = 160;

/// Where text stands: its left edge, and how wide its lines may be.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The left edge.
    pub x: i64,
    /// The width.
    pub width: i64,
}

/// How large a text is.
#[derive(Debug, Clone, Copy)]
pub enum Size {
    /// What the drawing is of, or its one statement.
    Title,
    /// Names.
    Body,
    /// Numbers and notes.
    Small,
}

impl Size {
    /// The size of the font.
    pub fn font(self) -> i64 {
        match self {
            Size::Title => 20,
            Size::Body => 15,
            Size::Small => 13,
        }
    }

    /// From one line to the next.
    pub fn pitch(self) -> i64 {
        match self {
            Size::Title => 27,
            Size::Body => 21,
            Size::Small => 18,
        }
    }
}

/// What a line stands for.
#[derive(Debug, Clone, Copy)]
pub enum Stroke {
    /// An axis, its ticks, and what separates.
    Axis,
    /// Something to compare with.
    Dashed,
    /// The edge of a box.
    Edge,
    /// A range of values.
    Range,
    /// The range that matters most.
    MainRange,
}

impl Stroke {
    fn attributes(self) -> &'static str {
        match self {
            Stroke::Axis => r##"stroke="#767676" stroke-width="1""##,
            Stroke::Dashed => r##"stroke="#1a1a1a" stroke-width="2" stroke-dasharray="4 3""##,
            Stroke::Edge => r##"stroke="#1a1a1a" stroke-width="2""##,
            Stroke::Range => r##"stroke="#1d4e89" stroke-width="3""##,
            Stroke::MainRange => r##"stroke="#1d4e89" stroke-width="5""##,
        }
    }
}

/// A value's mark; each form has a meaning of its own, so that colour has none.
#[derive(Debug, Clone, Copy)]
pub enum Marker {
    /// Above what is compared with.
    Up,
    /// Below it.
    Down,
    /// Neither.
    Dot,
    /// Somebody's own value.
    Diamond,
}

/// How far a marker reaches from its middle.
pub const MARKER_RADIUS: i64 = 8;

/// A text in the language that it is in: where a methodology has no English name, its Russian one stands.
#[derive(Debug, Clone)]
pub struct Words {
    text: String,
    language: Language,
}

impl Words {
    /// A text of the catalogue.
    pub fn new(text: impl Into<String>, language: Language) -> Words {
        Words { text: text.into(), language }
    }

    /// A name as a methodology or a catalogue of indicators has it, on one line and cut where it is none.
    pub fn of_name(name: &Text, wish: Language) -> Words {
        let (text, language) = match (wish, &name.en) {
            (Language::Kk, _) => (&name.kk, Language::Kk),
            (Language::Ru, _) | (Language::En, None) => (&name.ru, Language::Ru),
            (Language::En, Some(text)) => (text, Language::En),
        };
        Words { text: on_one_line(text), language }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A text with single spaces, cut to `NAME_CHARS_MAX` characters.
pub fn on_one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= NAME_CHARS_MAX {
        return text;
    }
    let kept: String = text.chars().take(NAME_CHARS_MAX - 1).collect();
    format!("{}…", kept.trim_end())
}

/// A drawing under way.
#[derive(Debug)]
pub struct Drawing {
    language: Language,
    body: String,
}

impl Drawing {
    /// An empty one, whose text is in `language` where it does not say otherwise.
    pub fn new(language: Language) -> Drawing {
        Drawing { language, body: String::new() }
    }

    /// Sets a text in as many lines as it needs, from `top` down; gives where the next thing may begin.
    pub fn paragraph(&mut self, column: Column, top: i64, size: Size, words: &Words) -> i64 {
        self.open_text(size, words.language, "");
        let mut baseline = top + size.font();
        for (at, line) in lines(&words.text, size, column.width).iter().enumerate() {
            // Without the space two lines would be found as one word.
            self.body.push_str(if at == 0 { "" } else { " " });
            self.span(column.x, baseline, line);
            baseline += size.pitch();
        }
        self.body.push_str("</text>");
        baseline - size.font()
    }

    /// A short text around `x`, moved where it would leave the drawing.
    pub fn label(&mut self, x: i64, baseline: i64, size: Size, text: &str) {
        let half = width_of(text, size) / 2 + 1;
        self.open_text(size, self.language, r#" text-anchor="middle""#);
        self.span(x.min(WIDTH - half).max(half), baseline, text);
        self.body.push_str("</text>");
    }

    /// A line from one point to another.
    pub fn line(&mut self, from: (i64, i64), to: (i64, i64), stroke: Stroke) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.write(format_args!(r#"<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {}/>"#, stroke.attributes()));
    }

    /// Short lines across a level one, all of one height.
    pub fn ticks(&mut self, xs: &[i64], top: i64, height: i64) {
        let path: String = xs.iter().map(|x| format!("M{x} {top}v{height}")).collect();
        self.write(format_args!(r#"<path d="{path}" fill="none" {}/>"#, Stroke::Axis.attributes()));
    }

    /// A box without filling.
    pub fn frame(&mut self, (x, y): (i64, i64), width: i64, height: i64) {
        let edge = Stroke::Edge.attributes();
        self.write(format_args!(r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="none" {edge}/>"#));
    }

    /// A marker around a point.
    pub fn marker(&mut self, marker: Marker, (x, y): (i64, i64)) {
        let r = MARKER_RADIUS;
        let fill = r##"fill="#1d4e89""##;
        let points = match marker {
            Marker::Up => vec![(x, y - r), (x + r, y + r - 2), (x - r, y + r - 2)],
            Marker::Down => vec![(x, y + r), (x + r, y - r + 2), (x - r, y - r + 2)],
            Marker::Diamond => vec![(x, y - r), (x + r, y), (x, y + r), (x - r, y)],
            Marker::Dot => {
                self.write(format_args!(r#"<circle cx="{x}" cy="{y}" r="{}" {fill}/>"#, r - 1));
                return;
            }
        };
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        self.write(format_args!(r#"<polygon points="{}" {fill}/>"#, points.join(" ")));
    }

    /// The finished drawing, `height` high. `name` tells it from the others of a page; what it shows is said in full by
    /// `title` and `description`, for whoever does not see it.
    pub fn finish(self, name: &str, title: &str, description: &str, height: i64) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let id: String = name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
        let (tag, body) = (self.language.as_tag(), &self.body);
        let (title, description) = (escaped(title), escaped(description));
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" "#,
                r#"viewBox="0 0 {width} {height}" role="img" aria-labelledby="ejf-{id}-title ejf-{id}-desc" "#,
                r#"lang="{tag}" xml:lang="{tag}" font-family="sans-serif">"#,
                r#"<title id="ejf-{id}-title">{title}</title><desc id="ejf-{id}-desc">{description}</desc>"#,
                r##"<rect x="0" y="0" width="{width}" height="{height}" fill="#ffffff"/>{body}</svg>"##,
                "\n"
            ),
            width = WIDTH,
            height = height,
            id = id,
            tag = tag,
            title = title,
            description = description,
            body = body,
        )
    }

    fn open_text(&mut self, size: Size, language: Language, more: &str) {
        self.write(format_args!(r##"<text font-size="{}" fill="#1a1a1a"{more}"##, size.font()));
        if language != self.language {
            let tag = language.as_tag();
            self.write(format_args!(r#" lang="{tag}" xml:lang="{tag}""#));
        }
        self.body.push('>');
    }

    fn span(&mut self, x: i64, baseline: i64, text: &str) {
        self.write(format_args!(r#"<tspan x="{x}" y="{baseline}">{}</tspan>"#, escaped(text)));
    }

    fn write(&mut self, part: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.body.write_fmt(part);
    }
}

/// A text as it may stand in XML: characters that XML has no place for are shown as lost.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            _ => safe.push(c),
        }
    }
    safe
}

/// A text cut into lines at its spaces, and within a word where that alone is too long.
fn lines(text: &str, size: Size, width: i64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in text.split(' ').flat_map(|word| pieces(word, size, width)) {
        let longer = if line.is_empty() { piece.clone() } else { format!("{line} {piece}") };
        if width_of(&longer, size) <= width {
            line = longer;
        } else {
            lines.push(std::mem::replace(&mut line, piece));
        }
    }
    lines.push(line);
    lines
}

/// A word in pieces that each fit; every one but the last is as long as can be.
fn pieces(word: &str, size: Size, width: i64) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for c in word.chars() {
        piece.push(c);
        if width_of(&piece, size) > width && piece.chars().nth(1).is_some() {
            piece.pop();
            pieces.push(std::mem::replace(&mut piece, c.to_string()));
        }
    }
    pieces.extend((!piece.is_empty()).then_some(piece));
    pieces
}

/// How wide a text is at most, rounded up.
pub fn width_of(text: &str, size: Size) -> i64 {
    let thousandths: i64 = text.chars().map(glyph_width).sum();
    (thousandths * size.font() + 999) / 1000
}

/// The width of a character in thousandths of the font's size: no less than in DejaVu Sans, the widest of the fonts that
/// `sans-serif` stands for on common systems. What is not listed counts as one of the widest.
fn glyph_width(c: char) -> i64 {
    match c {
        'Ш' | 'Щ' | 'Ж' | 'Ю' | '№' | '%' | '@' | 'm' | 'W' | '—' | '…' => 1100,
        'ж' | 'ш' | 'щ' | 'ю' | 'ф' | 'Ф' | 'M' | 'М' | 'w' | 'Ъ' | 'Ы' => 950,
        'ы' | 'м' | 'Д' | 'О' | 'O' | 'Ө' | 'Ә' | 'Q' | 'G' | 'D' | 'H' | 'Н' | 'Л' | 'П' | 'Ң' | 'Ц' => 850,
        'U' | 'N' | 'И' | 'Й' | 'Қ' | '&' | '+' | '<' | '=' | '>' | '~' | '^' | '×' | '÷' | '−' | '≤' | '≥' | '#' => {
            850
        }
        ' ' | '\u{a0}' | 'i' | 'j' | 'l' | 'і' | 'I' | 'І' | 'J' | '.' | ',' | ':' | ';' | '\'' | '’' | '·' | '|'
        | '/' | '\\' => 350,
        'f' | '-' | '(' | ')' | '[' | ']' | 't' | '!' | 'r' => 450,
        'c' | 's' | 'z' | 'с' | 'г' | 'з' | 'э' | '?' | '"' | '“' | '”' | '*' | '_' | '°' | '–' => 550,
        '0'..='9' | 'a'..='z' | '$' | '{' | '}' | '«' | '»' => 650,
        'A'..='Z' | 'А'..='я' | 'Ё' | 'ё' | 'ә' | 'ғ' | 'қ' | 'ң' | 'ө' | 'ұ' | 'ү' | 'һ' | 'Ғ' | 'Ұ' | 'Ү' | 'Һ' => {
            750
        }
        _ => 1100,
    }
}
