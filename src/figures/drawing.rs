//! A drawing as shapes and texts in its own units, of which a page makes SVG and a printed document its own. What a newcomer
//! would get wrong: whatever is told by colour is told by shape as well, and whatever is seen is said in words beside it;
//! a drawing without its title and description is not finished.

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// How a stroke looks, in SVG and in print alike.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Red, green, blue.
    pub colour: [u8; 3],
    /// How wide it is.
    pub width: u8,
    /// Whether it is broken, four units long and three apart.
    pub is_dashed: bool,
}

/// The colour of text, edges and what is compared with.
pub const INK: [u8; 3] = [0x1a, 0x1a, 0x1a];
/// The colour of values and their ranges.
pub const VALUE: [u8; 3] = [0x1d, 0x4e, 0x89];
const GREY: [u8; 3] = [0x76, 0x76, 0x76];

impl Stroke {
    /// How it looks.
    pub fn look(self) -> Look {
        let look = |colour, width| Look { colour, width, is_dashed: false };
        match self {
            Stroke::Axis => look(GREY, 1),
            Stroke::Dashed => Look { is_dashed: true, ..look(INK, 2) },
            Stroke::Edge => look(INK, 2),
            Stroke::Range => look(VALUE, 3),
            Stroke::MainRange => look(VALUE, 5),
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

/// A line of text at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its left edge, or its middle.
    pub x: i64,
    /// What it stands on.
    pub baseline: i64,
    /// The text.
    pub text: String,
}

/// A part of a drawing.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A text of one or more lines.
    Text {
        /// How large.
        size: Size,
        /// In which language.
        language: Language,
        /// Whether its lines stand around their place instead of beginning there.
        is_centred: bool,
        /// The lines.
        lines: Vec<Line>,
    },
    /// A line from one point to another.
    Line {
        /// One end.
        from: (i64, i64),
        /// The other.
        to: (i64, i64),
        /// What it stands for.
        stroke: Stroke,
    },
    /// Short upright lines of one height.
    Ticks {
        /// Where each is.
        xs: Vec<i64>,
        /// Where they begin.
        top: i64,
        /// How high they are.
        height: i64,
    },
    /// A box without filling.
    Frame {
        /// Its upper left corner.
        at: (i64, i64),
        /// Its width.
        width: i64,
        /// Its height.
        height: i64,
    },
    /// A filled form with corners.
    Polygon(Vec<(i64, i64)>),
    /// A filled circle.
    Circle {
        /// Its middle.
        at: (i64, i64),
        /// How far it reaches.
        radius: i64,
    },
}

/// A finished drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The language of its texts where they do not say otherwise.
    pub language: Language,
    /// What tells it from the others of a page.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// All that it shows, in words.
    pub description: String,
    /// How high it is.
    pub height: i64,
    /// Its parts, the lowest first.
    pub shapes: Vec<Shape>,
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
    shapes: Vec<Shape>,
}

impl Drawing {
    /// An empty one, whose text is in `language` where it does not say otherwise.
    pub fn new(language: Language) -> Drawing {
        Drawing { language, shapes: Vec::new() }
    }

    /// Sets a text in as many lines as it needs, from `top` down; gives where the next thing may begin.
    pub fn paragraph(&mut self, column: Column, top: i64, size: Size, words: &Words) -> i64 {
        let mut baseline = top + size.font();
        let mut set = Vec::new();
        for text in lines(&words.text, column.width, |text| width_of(text, size)) {
            set.push(Line { x: column.x, baseline, text });
            baseline += size.pitch();
        }
        self.shapes.push(Shape::Text { size, language: words.language, is_centred: false, lines: set });
        baseline - size.font()
    }

    /// A short text around `x`, moved where it would leave the drawing.
    pub fn label(&mut self, x: i64, baseline: i64, size: Size, text: &str) {
        let half = width_of(text, size) / 2 + 1;
        let line = Line { x: x.min(WIDTH - half).max(half), baseline, text: text.to_owned() };
        self.shapes.push(Shape::Text { size, language: self.language, is_centred: true, lines: vec![line] });
    }

    /// A line from one point to another.
    pub fn line(&mut self, from: (i64, i64), to: (i64, i64), stroke: Stroke) {
        self.shapes.push(Shape::Line { from, to, stroke });
    }

    /// Short lines across a level one, all of one height.
    pub fn ticks(&mut self, xs: &[i64], top: i64, height: i64) {
        self.shapes.push(Shape::Ticks { xs: xs.to_vec(), top, height });
    }

    /// A box without filling.
    pub fn frame(&mut self, at: (i64, i64), width: i64, height: i64) {
        self.shapes.push(Shape::Frame { at, width, height });
    }

    /// A marker around a point.
    pub fn marker(&mut self, marker: Marker, (x, y): (i64, i64)) {
        let r = MARKER_RADIUS;
        self.shapes.push(match marker {
            Marker::Up => Shape::Polygon(vec![(x, y - r), (x + r, y + r - 2), (x - r, y + r - 2)]),
            Marker::Down => Shape::Polygon(vec![(x, y + r), (x + r, y - r + 2), (x - r, y - r + 2)]),
            Marker::Diamond => Shape::Polygon(vec![(x, y - r), (x + r, y), (x, y + r), (x - r, y)]),
            Marker::Dot => Shape::Circle { at: (x, y), radius: r - 1 },
        });
    }

    /// The finished drawing, `height` high. `name` tells it from the others of a page; what it shows is said in full by
    /// `title` and `description`, for whoever does not see it.
    pub fn finish(self, name: &str, title: &str, description: &str, height: i64) -> Picture {
        let Drawing { language, shapes } = self;
        let [name, title, description] = [name, title, description].map(str::to_owned);
        Picture { language, name, title, description, height, shapes }
    }
}

/// A text cut into lines at its spaces, and within a word where that alone is too long; `measure` tells how wide a text is.
pub fn lines(text: &str, width: i64, measure: impl Fn(&str) -> i64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in text.split(' ').flat_map(|word| pieces(word, width, &measure)) {
        let longer = if line.is_empty() { piece.clone() } else { format!("{line} {piece}") };
        if measure(&longer) <= width {
            line = longer;
        } else {
            lines.push(std::mem::replace(&mut line, piece));
        }
    }
    lines.push(line);
    lines
}

/// A word in pieces that each fit; every one but the last is as long as can be.
fn pieces(word: &str, width: i64, measure: &impl Fn(&str) -> i64) -> Vec<String> {
    if measure(word) <= width {
        return if word.is_empty() { Vec::new() } else { vec![word.to_owned()] };
    }
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for c in word.chars() {
        piece.push(c);
        if measure(&piece) > width && piece.chars().nth(1).is_some() {
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
