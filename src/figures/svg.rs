//! A picture as SVG: text that is searched and read aloud, a few shapes, and nothing that runs or is fetched. What a
//! newcomer would get wrong: no `style`, class, script or link belongs here. The service's CSP drops them; whatever is
//! seen stands in presentation attributes.

use std::fmt::Write;

use super::drawing::{Line, Picture, Shape, Size, Stroke, VALUE, WIDTH};
use crate::texts::Language;

/// Writes a picture; the same picture gives the same bytes.
pub fn write(picture: &Picture) -> String {
    let mut body = String::new();
    for shape in &picture.shapes {
        // Writing to a string cannot fail.
        let _ = put(&mut body, shape, picture.language);
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let id: String = picture.name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    let (title, description) = (escaped(&picture.title), escaped(&picture.description));
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
        height = picture.height,
        id = id,
        tag = picture.language.as_tag(),
        title = title,
        description = description,
        body = body,
    )
}

fn put(body: &mut String, shape: &Shape, language: Language) -> std::fmt::Result {
    match shape {
        Shape::Text { size, language: own, is_centred, lines } => {
            open_text(body, *size, *own, language, *is_centred)?;
            for (at, Line { x, baseline, text }) in lines.iter().enumerate() {
                // Without the space two lines would be found as one word.
                body.push_str(if at == 0 { "" } else { " " });
                write!(body, r#"<tspan x="{x}" y="{baseline}">{}</tspan>"#, escaped(text))?;
            }
            body.push_str("</text>");
            Ok(())
        }
        Shape::Line { from: (x1, y1), to: (x2, y2), stroke } => {
            write!(body, r#"<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {}/>"#, attributes(*stroke))
        }
        Shape::Ticks { xs, top, height } => {
            let path: String = xs.iter().map(|x| format!("M{x} {top}v{height}")).collect();
            write!(body, r#"<path d="{path}" fill="none" {}/>"#, attributes(Stroke::Axis))
        }
        Shape::Frame { at: (x, y), width, height } => {
            let edge = attributes(Stroke::Edge);
            write!(body, r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="none" {edge}/>"#)
        }
        Shape::Polygon(points) => {
            let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
            write!(body, r#"<polygon points="{}" fill="{}"/>"#, points.join(" "), colour(VALUE))
        }
        Shape::Circle { at: (x, y), radius } => {
            write!(body, r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="{}"/>"#, colour(VALUE))
        }
    }
}

fn open_text(body: &mut String, size: Size, own: Language, language: Language, is_centred: bool) -> std::fmt::Result {
    write!(body, r##"<text font-size="{}" fill="#1a1a1a""##, size.font())?;
    body.push_str(if is_centred { r#" text-anchor="middle""# } else { "" });
    if own != language {
        let tag = own.as_tag();
        write!(body, r#" lang="{tag}" xml:lang="{tag}""#)?;
    }
    body.push('>');
    Ok(())
}

fn attributes(stroke: Stroke) -> String {
    let look = stroke.look();
    let dashes = if look.is_dashed { r#" stroke-dasharray="4 3""# } else { "" };
    format!(r#"stroke="{}" stroke-width="{}"{dashes}"#, colour(look.colour), look.width)
}

fn colour([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
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
