//! From laid-out pages to the bytes of a PDF/A-2a and PDF/UA-1 file. What a newcomer would get wrong: nothing here may come from
//! the clock or a random number. The date is the document's own, and its id is a digest of what it says.

use std::num::NonZeroU16;

use krilla::color::{luma, rgb};
use krilla::configure::ConfigurationBuilder;
use krilla::configure::validate::{Accessibility, Archival};
use krilla::destination::XyzDestination;
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke as Pen, StrokeDash};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, BBox, ContentTag, Identifier, Node, SpanTag, TableHeaderScope, Tag, TagGroup, TagTree,
};
use krilla::{Document, SerializeSettings};

use super::face::{Face, POINT, Weight};
use super::layout::{Entry, Laid, Mark, PAGE_HEIGHT, PAGE_WIDTH, Part, Role, Style, TEXT_WIDTH, scaled};
use super::{Depth, Paper};
use crate::error::{Error, Result};
use crate::figures::drawing::{INK, Line, Picture, Shape, Size, Stroke, VALUE};
use chrono::{Datelike, Timelike};

/// What a circle's curves are drawn by.
const CIRCLE: f32 = 0.552_284_8;

/// A point of a page.
type Place = (i64, i64);

/// What is on the pages of each part of the structure, in reading order.
type Leaves = Vec<Vec<Identifier>>;

/// Writes a document; the same one gives the same bytes.
pub fn write(paper: &Paper, laid: &Laid) -> Result<Vec<u8>> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|_| Error::internal("PDF/A-2a and PDF/UA-1 do not go together"))?;
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let mut leaves: Leaves = vec![Vec::new(); laid.parts.len()];
    let mut boxes: Vec<Option<BBox>> = vec![None; laid.parts.len()];
    for (number, page) in laid.pages.iter().enumerate() {
        let settings = PageSettings::from_wh(points(PAGE_WIDTH), points(PAGE_HEIGHT));
        let mut sheet = document.start_page_with(settings.ok_or_else(|| Error::internal("a page without a size"))?);
        let mut surface = sheet.surface();
        for (part, mark) in &page.marks {
            let tag = match (part, mark) {
                (None, _) => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)),
                (Some(_), Mark::Picture { .. } | Mark::Box { .. }) => ContentTag::Other,
                (Some(_), Mark::Text { .. }) => ContentTag::Span(SpanTag::empty()),
            };
            let id = surface.start_tagged(tag);
            draw(&mut surface, mark)?;
            surface.end_tagged();
            let Some(part) = *part else { continue };
            if let Some(of_part) = leaves.get_mut(part) {
                of_part.push(id);
            }
            if let (Mark::Picture { x, y, picture }, Some(place)) = (mark, boxes.get_mut(part)) {
                *place = rect(*x, *y, TEXT_WIDTH, scaled(picture.height)).map(|rect| BBox::new(number, rect));
            }
        }
        surface.finish();
        sheet.finish();
    }
    document.set_tag_tree(tree(laid, leaves, &boxes).with_lang(Some(paper.language.as_tag().to_owned())));
    document.set_outline(outline(&laid.outline));
    document.set_metadata(metadata(paper));
    document.finish().map_err(|error| Error::internal(format!("a document breaks a rule of PDF: {error:?}")))
}

fn metadata(paper: &Paper) -> Metadata {
    let made = paper.made_at;
    // Years of four digits, and parts that a calendar has: all fit.
    let [month, day, hour, minute, second] =
        [made.month(), made.day(), made.hour(), made.minute(), made.second()].map(|part| part as u8);
    let date = DateTime::new(made.year() as u16).month(month).day(day).hour(hour).minute(minute).second(second);
    Metadata::new()
        .title(format!("{}: {}", paper.title, paper.subject.replace('\n', ", ")))
        .language(paper.language.as_tag().to_owned())
        .creator("ejf".to_owned())
        .creation_date(date.utc_offset_hour(0).utc_offset_minute(0))
}

fn outline(entries: &[Entry]) -> Outline {
    let mut outline = Outline::new();
    let mut open: Option<OutlineNode> = None;
    for entry in entries {
        let place = XyzDestination::new(entry.page, Point::from_xy(0.0, points(entry.y)));
        let node = OutlineNode::new(entry.text.clone(), place);
        match (entry.depth, &mut open) {
            (Depth::Part, Some(section)) => section.push_child(node),
            (Depth::Section | Depth::Part, _) => {
                if let Some(section) = open.replace(node) {
                    outline.push_child(section);
                }
            }
        }
    }
    if let Some(section) = open {
        outline.push_child(section);
    }
    outline
}

/// The tree of structure: parts come after what they are parts of, so that it is gathered from the last to the first.
fn tree(laid: &Laid, mut leaves: Leaves, boxes: &[Option<BBox>]) -> TagTree {
    let mut children: Vec<Vec<Node>> = leaves.iter_mut().map(|own| own.drain(..).map(Node::Leaf).collect()).collect();
    let mut top = Vec::new();
    for (at, part) in laid.parts.iter().enumerate().rev() {
        // Gathered backwards: what was put in last stands first.
        let mut own = children.get_mut(at).map(std::mem::take).unwrap_or_default();
        if matches!(part.role, Role::Table | Role::TableHead | Role::TableBody | Role::Row) {
            own.reverse();
        }
        let group = Node::Group(group(part, own, boxes.get(at).copied().flatten()));
        match part.parent.and_then(|parent| children.get_mut(parent)) {
            Some(siblings) => siblings.push(group),
            None => top.push(group),
        }
    }
    top.reverse();
    TagTree::from(top)
}

fn group(part: &Part, children: Vec<Node>, place: Option<BBox>) -> TagGroup {
    match &part.role {
        Role::Heading(level, words) => {
            let level = NonZeroU16::MIN.saturating_add(*level);
            TagGroup::with_children(Tag::Hn(level, Some(words.clone())), children)
        }
        Role::Paragraph => TagGroup::with_children(Tag::P, children),
        Role::Table => TagGroup::with_children(Tag::Table, children),
        Role::TableHead => TagGroup::with_children(Tag::THead, children),
        Role::TableBody => TagGroup::with_children(Tag::TBody, children),
        Role::Row => TagGroup::with_children(Tag::TR, children),
        Role::ColumnName => TagGroup::with_children(Tag::TH(TableHeaderScope::Column), children),
        Role::RowName => TagGroup::with_children(Tag::TH(TableHeaderScope::Row), children),
        Role::Cell => TagGroup::with_children(Tag::TD, children),
        Role::Picture(said) => TagGroup::with_children(Tag::Figure(Some(said.clone())).with_bbox(place), children),
    }
}

fn draw(surface: &mut Surface<'_>, mark: &Mark) -> Result<()> {
    match mark {
        Mark::Text { x, baseline, style, text } => set(surface, (*x, *baseline), *style, text)?,
        Mark::Box { x, y, width, height, grey } => {
            if let Some(path) = boxed(*x, *y, *width, *height) {
                surface.set_stroke(None);
                surface.set_fill(Some(Fill { paint: luma::Color::new(*grey).into(), ..Fill::default() }));
                surface.draw_path(&path);
            }
        }
        Mark::Picture { x, y, picture } => picture_at(surface, picture, (*x, *y))?,
    }
    Ok(())
}

/// Sets a line of text.
fn set(surface: &mut Surface<'_>, (x, baseline): (i64, i64), style: Style, text: &str) -> Result<()> {
    let face = Face::of(style.weight)?;
    let grey = if style.is_faint { 0x55 } else { 0x1a };
    surface.set_stroke(None);
    surface.set_fill(Some(Fill { paint: luma::Color::new(grey).into(), ..Fill::default() }));
    let at = Point::from_xy(points(x), points(baseline));
    surface.draw_glyphs(at, &face.glyphs(text), face.font(), text, points(style.size), false);
    Ok(())
}

/// A picture in the page's own measure.
fn picture_at(surface: &mut Surface<'_>, picture: &Picture, (left, top): (i64, i64)) -> Result<()> {
    let place = |(x, y): (i64, i64)| (left + scaled(x), top + scaled(y));
    for shape in &picture.shapes {
        match shape {
            Shape::Text { size, is_centred, lines, .. } => {
                for Line { x, baseline, text } in lines {
                    let weight = if *size == Size::Title { Weight::Bold } else { Weight::Regular };
                    let size = scaled(size.font());
                    let style = Style { size, pitch: size, weight, is_faint: false };
                    let face = Face::of(weight)?;
                    let text = format!("{} ", face.settable(text));
                    let (x, baseline) = place((*x, *baseline));
                    let back = if *is_centred { face.width(text.trim_end(), size) / 2 } else { 0 };
                    set(surface, (x - back, baseline), style, &text)?;
                }
            }
            Shape::Line { from, to, stroke } => stroke_path(surface, &[(place(*from), place(*to))], *stroke),
            Shape::Ticks { xs, top, height } => {
                let ticks: Vec<_> = xs.iter().map(|x| (place((*x, *top)), place((*x, top + height)))).collect();
                stroke_path(surface, &ticks, Stroke::Axis);
            }
            Shape::Frame { at: (x, y), width, height } => {
                let corner = |dx: i64, dy: i64| place((x + dx, y + dy));
                let corners = [corner(0, 0), corner(*width, 0), corner(*width, *height), corner(0, *height)];
                if let Some(path) = polygon(&corners) {
                    surface.set_fill(None);
                    surface.set_stroke(Some(pen(Stroke::Edge)));
                    surface.draw_path(&path);
                }
            }
            Shape::Polygon(corners) => {
                let corners: Vec<_> = corners.iter().map(|corner| place(*corner)).collect();
                fill(surface, polygon(&corners));
            }
            Shape::Circle { at, radius } => fill(surface, circle(place(*at), scaled(*radius))),
        }
    }
    Ok(())
}

fn stroke_path(surface: &mut Surface<'_>, lines: &[(Place, Place)], stroke: Stroke) {
    let mut path = PathBuilder::new();
    for ((x1, y1), (x2, y2)) in lines {
        path.move_to(points(*x1), points(*y1));
        path.line_to(points(*x2), points(*y2));
    }
    if let Some(path) = path.finish() {
        surface.set_fill(None);
        surface.set_stroke(Some(pen(stroke)));
        surface.draw_path(&path);
    }
}

fn fill(surface: &mut Surface<'_>, path: Option<Path>) {
    let Some(path) = path else { return };
    let [red, green, blue] = VALUE;
    surface.set_stroke(None);
    surface.set_fill(Some(Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }));
    surface.draw_path(&path);
}

fn pen(stroke: Stroke) -> Pen {
    let look = stroke.look();
    let [red, green, blue] = look.colour;
    let length = |units: i64| points(scaled(units));
    let dash = look.is_dashed.then(|| StrokeDash { array: vec![length(4), length(3)], offset: 0.0 });
    let paint =
        if look.colour == INK { luma::Color::new(red).into() } else { rgb::Color::new(red, green, blue).into() };
    Pen { paint, width: length(i64::from(look.width)), dash, ..Pen::default() }
}

fn polygon(corners: &[(i64, i64)]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (at, (x, y)) in corners.iter().enumerate() {
        match at {
            0 => path.move_to(points(*x), points(*y)),
            _ => path.line_to(points(*x), points(*y)),
        }
    }
    path.close();
    path.finish()
}

fn circle((x, y): (i64, i64), radius: i64) -> Option<Path> {
    let (x, y, r) = (points(x), points(y), points(radius));
    let c = r * CIRCLE;
    let mut path = PathBuilder::new();
    path.move_to(x + r, y);
    path.cubic_to(x + r, y + c, x + c, y + r, x, y + r);
    path.cubic_to(x - c, y + r, x - r, y + c, x - r, y);
    path.cubic_to(x - r, y - c, x - c, y - r, x, y - r);
    path.cubic_to(x + c, y - r, x + r, y - c, x + r, y);
    path.close();
    path.finish()
}

fn boxed(x: i64, y: i64, width: i64, height: i64) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_rect(rect(x, y, width, height)?);
    path.finish()
}

fn rect(x: i64, y: i64, width: i64, height: i64) -> Option<Rect> {
    Rect::from_xywh(points(x), points(y), points(width), points(height))
}

/// Thousandths of a point as points.
fn points(thousandths: i64) -> f32 {
    thousandths as f32 / POINT as f32
}
