//! From blocks to pages: what stands where, and under which part of the structure. What a newcomer would get wrong: a heading
//! alone at the foot of a page, or a table whose head is lost on the next one. A block asks for the room that it must not
//! be parted in before it begins.

use super::face::{Face, POINT, Weight};
use super::{Block, Depth, Paper, table};
use crate::error::Result;
use crate::figures::drawing::{Picture, WIDTH, lines};

/// A4.
pub const PAGE_WIDTH: i64 = 595_276;
/// A4.
pub const PAGE_HEIGHT: i64 = 841_890;
/// What stays free at the sides.
pub const SIDE: i64 = 48 * POINT;
/// Where text is set.
pub const TEXT_WIDTH: i64 = PAGE_WIDTH - 2 * SIDE;
const TOP: i64 = 52 * POINT;
const BOTTOM: i64 = PAGE_HEIGHT - 60 * POINT;

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// The size of its letters.
    pub size: i64,
    /// From one line to the next.
    pub pitch: i64,
    /// How heavy.
    pub weight: Weight,
    /// Whether it is grey, as what stands beside the matter.
    pub is_faint: bool,
}

const fn style(size: i64, pitch: i64, weight: Weight) -> Style {
    Style { size: size * POINT / 10, pitch: pitch * POINT / 10, weight, is_faint: false }
}

const TITLE: Style = style(190, 245, Weight::Bold);
const SUBJECT: Style = style(125, 175, Weight::Regular);
const SECTION: Style = style(135, 180, Weight::Bold);
const PART: Style = style(105, 145, Weight::Bold);
const BODY: Style = style(95, 135, Weight::Regular);
const NOTE: Style = Style { is_faint: true, ..style(80, 112, Weight::Regular) };
const FOOT: Style = NOTE;

/// What a part of the structure is.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    /// The document's title (0), a section (1) or a part of one (2), with its words.
    Heading(u16, String),
    /// A paragraph.
    Paragraph,
    /// A table.
    Table,
    /// The head of a table.
    TableHead,
    /// What follows it.
    TableBody,
    /// A row.
    Row,
    /// A cell that names its column.
    ColumnName,
    /// A cell that names its row.
    RowName,
    /// Any other cell.
    Cell,
    /// A picture, with what it shows in words.
    Picture(String),
}

/// A part of the structure: which, and under which other.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is.
    pub role: Role,
    /// What it is a part of; none at the top.
    pub parent: Option<usize>,
}

/// Something on a page.
#[derive(Debug, Clone)]
pub enum Mark {
    /// A line of text, by its left end.
    Text {
        /// Where it begins.
        x: i64,
        /// What it stands on.
        baseline: i64,
        /// How it is set.
        style: Style,
        /// The text, a blank at its end where it goes on in the next line.
        text: String,
    },
    /// A filled box: an edge, a rule, a ground.
    Box {
        /// The left edge.
        x: i64,
        /// The upper edge.
        y: i64,
        /// The width.
        width: i64,
        /// The height.
        height: i64,
        /// How light it is: 0 is black.
        grey: u8,
    },
    /// A picture, by its upper left corner.
    Picture {
        /// The left edge.
        x: i64,
        /// The upper edge.
        y: i64,
        /// The picture.
        picture: Box<Picture>,
    },
}

/// What is on a page, and of which part of the structure; what is of none is ornament, which is not read aloud.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In the order in which it is drawn.
    pub marks: Vec<(Option<usize>, Mark)>,
}

/// An entry of the outline: where it leads.
#[derive(Debug, Clone)]
pub struct Entry {
    /// How deep.
    pub depth: Depth,
    /// Its words.
    pub text: String,
    /// To which page, from 0.
    pub page: usize,
    /// To what height of it.
    pub y: i64,
}

/// A document whose every part has its place.
#[derive(Debug, Default)]
pub struct Laid {
    /// The pages.
    pub pages: Vec<Page>,
    /// The parts of the structure, each after the one that it is a part of.
    pub parts: Vec<Part>,
    /// The outline.
    pub outline: Vec<Entry>,
}

/// Pages under way.
pub struct Sheet {
    laid: Laid,
    /// Where the next thing may begin.
    pub y: i64,
}

/// Gives every part of a document its place.
pub fn lay_out(paper: &Paper) -> Result<Laid> {
    let mut sheet = Sheet { laid: Laid { pages: vec![Page::default()], ..Laid::default() }, y: TOP };
    let title = sheet.part(Role::Heading(0, paper.title.clone()), None);
    sheet.text(&paper.title, TITLE, Some(title))?;
    sheet.y += 2 * POINT;
    let subject = sheet.part(Role::Paragraph, None);
    sheet.text(&paper.subject, SUBJECT, Some(subject))?;
    sheet.y += 10 * POINT;
    for (at, block) in paper.blocks.iter().enumerate() {
        sheet.block(block, paper.blocks.get(at + 1))?;
    }
    sheet.feet(&paper.foot)?;
    Ok(sheet.laid)
}

/// Breaks a text into lines of a width, each as it can be set.
pub fn set_lines(text: &str, width: i64, style: Style) -> Result<Vec<String>> {
    let face = Face::of(style.weight)?;
    let mut set = Vec::new();
    for paragraph in text.split('\n') {
        set.extend(lines(&face.settable(paragraph), width, |text| face.width(text, style.size)));
    }
    Ok(set)
}

impl Sheet {
    fn block(&mut self, block: &Block, next: Option<&Block>) -> Result<()> {
        match block {
            Block::Heading(depth, text) => self.heading(*depth, text, next)?,
            Block::Paragraph(text) => {
                let part = self.part(Role::Paragraph, None);
                self.text(text, BODY, Some(part))?;
                self.y += 5 * POINT;
            }
            Block::Note(text) => {
                let part = self.part(Role::Paragraph, None);
                self.text(text, NOTE, Some(part))?;
                self.y += 6 * POINT;
            }
            Block::Facts(facts) => table::facts(self, facts)?,
            Block::Table(table) => table::table(self, table)?,
            Block::Picture(picture) => self.picture(picture),
        }
        Ok(())
    }

    /// A new part of the structure.
    pub fn part(&mut self, role: Role, parent: Option<usize>) -> usize {
        self.laid.parts.push(Part { role, parent });
        self.laid.parts.len() - 1
    }

    /// Puts something on the page.
    pub fn put(&mut self, part: Option<usize>, mark: Mark) {
        if let Some(page) = self.laid.pages.last_mut() {
            page.marks.push((part, mark));
        }
    }

    /// Whether so much room is left on the page.
    pub fn has_room(&self, height: i64) -> bool {
        self.y + height <= BOTTOM
    }

    /// Goes to the next page where less room is left, unless nothing stands on this one; whether it did.
    pub fn keep_together(&mut self, height: i64) -> bool {
        if self.has_room(height) || self.y <= TOP {
            return false;
        }
        self.laid.pages.push(Page::default());
        self.y = TOP;
        true
    }

    fn heading(&mut self, depth: Depth, text: &str, next: Option<&Block>) -> Result<()> {
        let (style, before, after, level) = match depth {
            Depth::Section => (SECTION, 16 * POINT, 6 * POINT, 1),
            Depth::Part => (PART, 9 * POINT, 4 * POINT, 2),
        };
        let own = style.pitch * set_lines(text, TEXT_WIDTH, style)?.len() as i64;
        // A heading keeps to the beginning of what follows it.
        let follows = match next {
            Some(Block::Picture(picture)) => scaled(picture.height),
            Some(Block::Heading(..)) => 80 * POINT,
            _ => 50 * POINT,
        };
        if !self.keep_together(before + own + after + follows) && self.y > TOP {
            self.y += before;
        }
        if depth == Depth::Section {
            self.put(None, Mark::Box { x: SIDE, y: self.y - 3 * POINT, width: TEXT_WIDTH, height: 900, grey: 0x1a });
            self.y += 3 * POINT;
        }
        let (page, y) = (self.laid.pages.len() - 1, self.y);
        self.laid.outline.push(Entry { depth, text: text.to_owned(), page, y });
        let part = self.part(Role::Heading(level, text.to_owned()), None);
        self.text(text, style, Some(part))?;
        self.y += after;
        Ok(())
    }

    /// Sets a text over the width of the page.
    fn text(&mut self, text: &str, style: Style, part: Option<usize>) -> Result<()> {
        for line in set_lines(text, TEXT_WIDTH, style)? {
            self.keep_together(style.pitch);
            let baseline = self.y + style.size;
            // Without the blank two lines would be found as one word.
            self.put(part, Mark::Text { x: SIDE, baseline, style, text: format!("{line} ") });
            self.y += style.pitch;
        }
        Ok(())
    }

    fn picture(&mut self, picture: &Picture) {
        self.keep_together(scaled(picture.height));
        let said = format!("{}. {}", picture.title, picture.description);
        let part = self.part(Role::Picture(said), None);
        self.put(Some(part), Mark::Picture { x: SIDE, y: self.y, picture: Box::new(picture.clone()) });
        self.y += scaled(picture.height) + 4 * POINT;
    }

    /// The foot of each page with its number, which is known once all are there.
    fn feet(&mut self, foot: &str) -> Result<()> {
        let face = Face::of(FOOT.weight)?;
        let all = self.laid.pages.len();
        for (at, page) in self.laid.pages.iter_mut().enumerate() {
            let number = format!("{} / {all}", at + 1);
            let x = SIDE + TEXT_WIDTH - face.width(&number, FOOT.size);
            let baseline = PAGE_HEIGHT - 34 * POINT;
            let room = x - SIDE - 10 * POINT;
            let line = set_lines(foot, room, FOOT)?.swap_remove(0);
            page.marks.push((None, Mark::Text { x: SIDE, baseline, style: FOOT, text: line }));
            page.marks.push((None, Mark::Text { x, baseline, style: FOOT, text: number }));
        }
        Ok(())
    }
}

/// A length of a picture on the page.
pub fn scaled(units: i64) -> i64 {
    units * TEXT_WIDTH / WIDTH
}
