//! Printed documents: what a person takes home, files, or hands on. Pure: a document of headings, paragraphs, facts, tables
//! and pictures goes in, the bytes of a PDF come out. What a newcomer would get wrong: a page that looks right may say
//! nothing to whoever does not see it. Every text stands in the tree of structure, a picture with its words, and the
//! validators of PDF/A-2a and PDF/UA-1 refuse a document that breaks their rules.

mod face;
mod layout;
mod pdf;
mod table;

use chrono::{DateTime, Utc};

use crate::error::Result;
use crate::figures::drawing::Picture;
use crate::texts::Language;

/// A document to be printed.
#[derive(Debug, Clone)]
pub struct Paper {
    /// Its language.
    pub language: Language,
    /// What it is, at its head and in its properties.
    pub title: String,
    /// Whom or what it is of, under the title.
    pub subject: String,
    /// What stands at the foot of each page, before the page's number.
    pub foot: String,
    /// When it was made; part of the bytes.
    pub made_at: DateTime<Utc>,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A part of a document.
#[derive(Debug, Clone)]
pub enum Block {
    /// A heading, which stands in the outline.
    Heading(Depth, String),
    /// A text; line breaks in it are kept.
    Paragraph(String),
    /// A remark in small letters.
    Note(String),
    /// Names with what they are, one a line.
    Facts(Vec<(String, String)>),
    /// A table.
    Table(Table),
    /// A picture as wide as the page.
    Picture(Picture),
}

/// How deep a heading lies under the title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// A section.
    Section,
    /// A part of one.
    Part,
}

/// A table, whose head is set again on each page that it goes on to.
#[derive(Debug, Clone)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    /// What stands in it.
    pub title: String,
    /// Its share of the width, against the shares of the others.
    pub share: u32,
    /// To which side its texts are set.
    pub side: Side,
}

/// To which side a text is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// A row of a table.
#[derive(Debug, Clone)]
pub struct Row {
    /// A text for each column; the first names the row.
    pub cells: Vec<String>,
    /// Whether the row is set apart: with a bar at its edge and in bold letters.
    pub is_marked: bool,
}

impl Column {
    /// A column of texts.
    pub fn text(title: String, share: u32) -> Column {
        Column { title, share, side: Side::Left }
    }

    /// A column of numbers.
    pub fn number(title: String, share: u32) -> Column {
        Column { title, share, side: Side::Right }
    }
}

impl Paper {
    /// Prints the document; the same document gives the same bytes.
    ///
    /// # Errors
    /// Internal error where the document breaks a rule of PDF/A-2a or PDF/UA-1, such as one without a section.
    pub fn print(&self) -> Result<Vec<u8>> {
        pdf::write(self, &layout::lay_out(self)?)
    }
}
