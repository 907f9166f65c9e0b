//! A figure read back from its bytes, and what every figure has to hold to, whatever it shows. What a newcomer would get
//! wrong: an element or attribute that is not listed here is refused, since it may run, be fetched, or be dropped by the
//! service's CSP; think before the lists grow.

use ejf::figures::drawing::{Size, WIDTH, width_of};
use ejf::texts::Language;
use roxmltree::{Document, Node};

const ELEMENTS: [&str; 10] = ["svg", "title", "desc", "rect", "text", "tspan", "line", "path", "circle", "polygon"];

const ATTRIBUTES: [&str; 25] = [
    "aria-labelledby",
    "cx",
    "cy",
    "d",
    "fill",
    "font-family",
    "font-size",
    "height",
    "id",
    "lang",
    "points",
    "r",
    "role",
    "stroke",
    "stroke-dasharray",
    "stroke-width",
    "text-anchor",
    "viewBox",
    "width",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
];

/// A rectangle: left, top, right, bottom.
pub type Place = [f64; 4];

/// One line of text.
#[derive(Debug)]
pub struct Line {
    pub text: String,
    pub place: Place,
    pub font: i64,
    pub fill: String,
    pub lang: Option<String>,
}

/// One shape.
#[derive(Debug)]
pub struct Shape {
    pub element: String,
    /// Its form without its colours.
    pub form: Vec<(String, String)>,
    pub place: Place,
    /// Its colours, but for `none`.
    pub colours: Vec<String>,
}

/// A figure.
#[derive(Debug)]
pub struct Figure {
    pub lang: String,
    pub title: String,
    pub description: String,
    pub height: f64,
    pub lines: Vec<Line>,
    /// All shapes but the white ground.
    pub shapes: Vec<Shape>,
    bytes: usize,
}

fn number(node: Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

fn attribute(node: Node<'_, '_>, name: &str) -> String {
    node.attribute(name).unwrap_or_else(|| panic!("no {name}")).to_owned()
}

impl Figure {
    /// Reads a figure; fails where it holds what no figure may.
    pub fn read(svg: &str) -> Figure {
        let document = Document::parse(svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
        let root = document.root_element();
        for node in document.descendants() {
            assert!(node.is_root() || node.is_element() || node.is_text(), "{node:?}");
            if node.is_element() {
                assert_eq!(node.tag_name().namespace(), Some("http://www.w3.org/2000/svg"), "{node:?}");
                assert!(ELEMENTS.contains(&node.tag_name().name()), "{node:?}");
            }
            for attribute in node.attributes() {
                assert!(ATTRIBUTES.contains(&attribute.name()), "{attribute:?}");
            }
        }
        let by_id = |id: &str| {
            let mut found = root.children().filter(|child| child.attribute("id") == Some(id));
            let node = found.next().unwrap_or_else(|| panic!("no {id}"));
            assert!(found.next().is_none(), "{id} stands twice");
            (node.tag_name().name().to_owned(), node.text().unwrap().to_owned())
        };
        let labels = attribute(root, "aria-labelledby");
        let (title_id, desc_id) = labels.split_once(' ').unwrap();
        let ((title_tag, title), (desc_tag, description)) = (by_id(title_id), by_id(desc_id));
        assert_eq!((root.attribute("role"), title_tag.as_str(), desc_tag.as_str()), (Some("img"), "title", "desc"));
        assert_eq!(root.first_element_child().unwrap().tag_name().name(), "title", "the title comes first");
        let height = number(root, "height");
        assert_eq!(attribute(root, "viewBox"), format!("0 0 {WIDTH} {height}"));
        assert_eq!((root.attribute("width"), root.attribute("font-family")), (Some("720"), Some("sans-serif")));
        let mut shapes: Vec<Shape> = root.children().filter_map(shape).collect();
        let ground = shapes.remove(0);
        assert_eq!((ground.place, ground.colours.as_slice()), ([0.0, 0.0, 720.0, height], &["#ffffff".to_owned()][..]));
        let lines = root.children().filter(|child| child.has_tag_name("text")).flat_map(lines).collect();
        let xml_lang = root.attribute(("http://www.w3.org/XML/1998/namespace", "lang"));
        assert_eq!(xml_lang, root.attribute("lang"));
        Figure { lang: attribute(root, "lang"), title, description, height, lines, shapes, bytes: svg.len() }
    }

    /// All that is seen as text, a line each.
    pub fn seen(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The same, as one who searches finds it.
    pub fn searched(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// All that is seen and read aloud.
    pub fn said(&self) -> String {
        format!("{}\n{}\n{}", self.title, self.description, self.seen())
    }

    /// The runs of digits, with the decimal sign of the language among them.
    pub fn numbers(&self) -> Vec<String> {
        let said = self.said();
        let is_of_number = |c: char| c.is_ascii_digit() || c == ',' || c == '.';
        let runs = said.split(|c: char| !is_of_number(c)).map(|run| run.trim_matches([',', '.']));
        runs.filter(|run| !run.is_empty()).map(str::to_owned).collect()
    }

    /// What holds for every figure.
    pub fn inspect(&self, language: Language) {
        assert_eq!(self.lang, language.as_tag());
        assert!(self.bytes <= 20 * 1024, "{} bytes", self.bytes);
        assert!(!self.title.trim().is_empty() && self.description.ends_with('.'), "{}", self.description);
        for flaw in ["{", "}", "$", "figure-", "  ", " ,", " ."] {
            assert!(!self.said().contains(flaw), "{flaw:?} in {}", self.said());
        }
        for line in &self.lines {
            assert!(line.font >= 13, "{line:?}");
            assert!(contrast(&line.fill) >= 4.5, "{line:?}");
            assert!(!line.text.is_empty(), "{line:?}");
        }
        for shape in &self.shapes {
            assert!(!shape.colours.is_empty(), "{shape:?} is not seen");
            assert!(shape.colours.iter().all(|colour| contrast(colour) >= 3.0), "{shape:?}");
        }
        self.inspect_places();
    }

    fn inspect_places(&self) {
        let places = self.lines.iter().map(|line| (line.place, format!("{line:?}")));
        let shapes = self.shapes.iter().map(|shape| (shape.place, format!("{shape:?}")));
        for ([left, top, right, bottom], what) in places.chain(shapes) {
            let is_inside = left >= 0.0 && top >= 0.0 && right <= 720.0 && bottom <= self.height;
            assert!(is_inside, "outside of 720 × {}: {what}", self.height);
        }
        for (at, line) in self.lines.iter().enumerate() {
            for other in &self.lines[at + 1..] {
                assert!(!overlap(line.place, other.place), "{line:?}\nlies on\n{other:?}");
            }
            for shape in self.shapes.iter().filter(|shape| !holds(shape, line.place)) {
                assert!(!overlap(line.place, shape.place), "{line:?}\nlies on\n{shape:?}");
            }
        }
    }
}

/// Whether a box is drawn around a place.
fn holds(shape: &Shape, [left, top, right, bottom]: Place) -> bool {
    let [l, t, r, b] = shape.place;
    shape.element == "rect" && l < left && t < top && r > right && b > bottom
}

fn overlap(a: Place, b: Place) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

/// The contrast of a colour with white (WCAG 2.2, 1.4.3).
pub fn contrast(colour: &str) -> f64 {
    let digits = colour.strip_prefix('#').filter(|digits| digits.len() == 6).unwrap_or_else(|| panic!("{colour}"));
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    1.05 / (0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4) + 0.05)
}

fn lines(text: Node<'_, '_>) -> Vec<Line> {
    let font = number(text, "font-size");
    let size = [Size::Title, Size::Body, Size::Small].into_iter().find(|size| size.font() as f64 == font).unwrap();
    let is_centred = text.attribute("text-anchor") == Some("middle");
    let line = |span: Node<'_, '_>| {
        let words = span.text().unwrap_or_default().trim().to_owned();
        let (x, baseline, width) = (number(span, "x"), number(span, "y"), width_of(&words, size) as f64);
        let left = if is_centred { x - width / 2.0 } else { x };
        Line {
            // What the common fonts reach above and below the line.
            place: [left, baseline - 0.93 * font, left + width, baseline + 0.24 * font],
            text: words,
            font: font as i64,
            fill: attribute(text, "fill"),
            lang: text.attribute("lang").map(str::to_owned),
        }
    };
    text.children().filter(Node::is_element).map(line).collect()
}

fn shape(node: Node<'_, '_>) -> Option<Shape> {
    let element = node.tag_name().name();
    let of = |name: &str| number(node, name);
    let [left, top, right, bottom] = match element {
        "rect" => [of("x"), of("y"), of("x") + of("width"), of("y") + of("height")],
        "line" => {
            let ([x1, x2], [y1, y2]) = ([of("x1"), of("x2")], [of("y1"), of("y2")]);
            [x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)]
        }
        "circle" => [of("cx") - of("r"), of("cy") - of("r"), of("cx") + of("r"), of("cy") + of("r")],
        "polygon" => around(attribute(node, "points").split(' ').map(|point| point.split_once(',').unwrap())),
        "path" => {
            let path = attribute(node, "d");
            let ticks = path.split('M').skip(1).map(|tick| {
                let (start, height) = tick.split_once('v').unwrap();
                let (x, y) = start.split_once(' ').unwrap();
                let bottom = y.parse::<f64>().unwrap() + height.parse::<f64>().unwrap();
                [(x.to_owned(), y.to_owned()), (x.to_owned(), bottom.to_string())]
            });
            let ends: Vec<(String, String)> = ticks.flatten().collect();
            around(ends.iter().map(|(x, y)| (x.as_str(), y.as_str())))
        }
        _ => return None,
    };
    let half = node.attribute("stroke-width").map_or(0.0, |width| width.parse::<f64>().unwrap() / 2.0);
    let colours = ["fill", "stroke"].into_iter().filter_map(|name| node.attribute(name));
    let form = node.attributes().filter(|attribute| !["fill", "stroke"].contains(&attribute.name()));
    Some(Shape {
        element: element.to_owned(),
        form: form.map(|attribute| (attribute.name().to_owned(), attribute.value().to_owned())).collect(),
        place: [left - half, top - half, right + half, bottom + half],
        colours: colours.filter(|colour| *colour != "none").map(str::to_owned).collect(),
    })
}

/// The place around points.
fn around<'a>(points: impl Iterator<Item = (&'a str, &'a str)>) -> Place {
    points.fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |[left, top, right, bottom], (x, y)| {
        let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
        [left.min(x), top.min(y), right.max(x), bottom.max(y)]
    })
}

#[test]
fn what_no_figure_may_hold_is_refused() {
    let figure = |inside: &str| {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"40\" viewBox=\"0 0 720 40\" role=\"img\" \
             aria-labelledby=\"a b\" lang=\"en\" xml:lang=\"en\" font-family=\"sans-serif\"><title id=\"a\">A</title>\
             <desc id=\"b\">B.</desc><rect x=\"0\" y=\"0\" width=\"720\" height=\"40\" fill=\"#ffffff\"/>{inside}</svg>"
        )
    };
    let is_refused = |inside: &str| {
        let svg = figure(inside);
        std::panic::catch_unwind(|| Figure::read(&svg).inspect(Language::En)).is_err()
    };
    let text = |x: i64, fill: &str, words: &str| {
        format!("<text font-size=\"13\" fill=\"{fill}\"><tspan x=\"{x}\" y=\"20\">{words}</tspan></text>")
    };
    assert!(!is_refused(&text(16, "#1a1a1a", "words")));
    for bad in [
        "<script/>",
        "<style>text{}</style>",
        "<a/>",
        "<image/>",
        "<g/>",
        "<!-- a remark -->",
        "<line x1=\"1\" y1=\"1\" x2=\"9\" y2=\"9\" stroke=\"#1a1a1a\" style=\"color:red\"/>",
        "<line x1=\"1\" y1=\"1\" x2=\"9\" y2=\"9\" stroke=\"#1a1a1a\" onclick=\"f()\"/>",
        "<line x1=\"1\" y1=\"1\" x2=\"900\" y2=\"9\" stroke=\"#1a1a1a\"/>",
        "<line x1=\"1\" y1=\"1\" x2=\"9\" y2=\"9\" stroke=\"#aaaaaa\"/>",
        &text(16, "#808080", "words"),
        &text(700, "#1a1a1a", "words"),
        &text(16, "#1a1a1a", "{$words}"),
        &(text(16, "#1a1a1a", "words") + &text(30, "#1a1a1a", "others")),
    ] {
        assert!(is_refused(bad), "{bad}");
    }
}
