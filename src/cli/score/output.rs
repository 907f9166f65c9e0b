//! Rows as CSV or JSON. A newcomer would let doubles be printed at their shortest; 17 significant digits give every reader
//! the very double back, however it reads.

use std::io::{self, Write};

use clap::ValueEnum;

use crate::domain::scoring::Status;
use crate::domain::scoring::publication::Band;

/// The shape of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A header and a line per row; what does not apply is empty.
    Csv,
    /// An array with an object per row, one a line; what does not apply is null.
    Json,
}

/// What is told beyond the columns of every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Nothing.
    Figures,
    /// The word against the standard.
    Verdict,
    /// The word, and whether it depends on no `g` reviews.
    Resilience,
}

/// The columns of every row, and those of [`Extent`].
const COLUMNS: [&str; 22] = [
    "subject",
    "criterion",
    "n",
    "g",
    "h",
    "score_num",
    "score_den",
    "score",
    "sigma2",
    "sigma2_mod",
    "df",
    "lo",
    "hi",
    "aware_lo",
    "aware_hi",
    "band_lo",
    "band_hi",
    "res_lo",
    "res_hi",
    "status",
    "verdict",
    "resilient",
];

/// One row: a subject's overall score, or its score on one criterion.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// The subject.
    pub subject: &'a str,
    /// The criterion; empty in the row of the overall score.
    pub criterion: &'a str,
    /// What is known besides.
    pub figures: Figures,
    /// What the row may be used for.
    pub status: Status,
    /// Where it stands against the standard.
    pub verdict: Option<Band>,
    /// Whether that depends on no `g` reviews.
    pub is_resilient: Option<bool>,
}

/// The numbers of a row, in points of the scale; `None` where one does not apply.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    /// Reviews behind the score.
    pub n: Option<i64>,
    /// Reviews set aside on each side, and those kept.
    pub trimmed: Option<(i64, i64)>,
    /// Numerator and denominator of the score, in lowest terms.
    pub exact: Option<(i64, i64)>,
    /// The score.
    pub score: Option<f64>,
    /// The winsorised variance, and after moderation.
    pub variances: Option<(f64, f64)>,
    /// Degrees of freedom.
    pub freedom: Option<i64>,
    /// The ordinary interval.
    pub ordinary: Option<(f64, f64)>,
    /// The interval that allows for dishonest reviews.
    pub aware: Option<(f64, f64)>,
    /// The resilience band.
    pub band: Option<(f64, f64)>,
    /// The resilience interval.
    pub resilience: Option<(f64, f64)>,
}

/// A place in a row.
enum Cell<'a> {
    Empty,
    Text(&'a str),
    Whole(i64),
    Real(f64),
    Truth(bool),
}

/// Writes rows to wherever they go.
pub(super) struct Output<W> {
    sink: W,
    format: Format,
    columns: usize,
    has_rows: bool,
}

impl<W: Write> Output<W> {
    /// Begins the output.
    pub fn begin(mut sink: W, format: Format, extent: Extent) -> io::Result<Output<W>> {
        let columns = match extent {
            Extent::Figures => COLUMNS.len() - 2,
            Extent::Verdict => COLUMNS.len() - 1,
            Extent::Resilience => COLUMNS.len(),
        };
        match format {
            Format::Csv => {
                let names: Vec<&str> = COLUMNS.iter().take(columns).copied().collect();
                writeln!(sink, "{}", names.join(","))?;
            }
            Format::Json => sink.write_all(b"[")?,
        }
        Ok(Output { sink, format, columns, has_rows: false })
    }

    /// Writes one row.
    pub fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        let cells = row.cells();
        let named = COLUMNS.iter().zip(&cells).take(self.columns);
        match self.format {
            Format::Csv => {
                for (place, (_, cell)) in named.enumerate() {
                    if place > 0 {
                        self.sink.write_all(b",")?;
                    }
                    cell.write_csv(&mut self.sink)?;
                }
                self.sink.write_all(b"\n")?;
            }
            Format::Json => {
                self.sink.write_all(if self.has_rows { b",\n{" } else { b"\n{" })?;
                for (place, (name, cell)) in named.enumerate() {
                    write!(self.sink, "{}\"{name}\":", if place > 0 { "," } else { "" })?;
                    cell.write_json(&mut self.sink)?;
                }
                self.sink.write_all(b"}")?;
            }
        }
        self.has_rows = true;
        Ok(())
    }

    /// Ends the output.
    pub fn end(mut self) -> io::Result<()> {
        if self.format == Format::Json {
            self.sink.write_all(b"\n]\n")?;
        }
        self.sink.flush()
    }
}

impl<'a> Row<'a> {
    fn cells(&self) -> [Cell<'a>; 22] {
        let Figures { n, trimmed, exact, score, variances, freedom, ordinary, aware, band, resilience } = self.figures;
        let whole = |value: Option<i64>| value.map_or(Cell::Empty, Cell::Whole);
        let real = |value: Option<f64>| value.map_or(Cell::Empty, Cell::Real);
        let wholes = |pair: Option<(i64, i64)>| [whole(pair.map(|pair| pair.0)), whole(pair.map(|pair| pair.1))];
        let reals = |pair: Option<(f64, f64)>| [real(pair.map(|pair| pair.0)), real(pair.map(|pair| pair.1))];
        let [g, h] = wholes(trimmed);
        let [score_num, score_den] = wholes(exact);
        let [sigma2, sigma2_mod] = reals(variances);
        let [lo, hi] = reals(ordinary);
        let [aware_lo, aware_hi] = reals(aware);
        let [band_lo, band_hi] = reals(band);
        let [res_lo, res_hi] = reals(resilience);
        let status = match self.status {
            Status::Ok => "ok",
            Status::Indicative => "indicative",
            Status::Insufficient => "insufficient",
            Status::Developmental => "developmental",
        };
        let verdict = self.verdict.map(|verdict| match verdict {
            Band::Above => "above",
            Band::Below => "below",
            Band::NotDistinguishable => "not_distinguishable",
        });
        [
            Cell::Text(self.subject),
            if self.criterion.is_empty() { Cell::Empty } else { Cell::Text(self.criterion) },
            whole(n),
            g,
            h,
            score_num,
            score_den,
            real(score),
            sigma2,
            sigma2_mod,
            whole(freedom),
            lo,
            hi,
            aware_lo,
            aware_hi,
            band_lo,
            band_hi,
            res_lo,
            res_hi,
            Cell::Text(status),
            verdict.map_or(Cell::Empty, Cell::Text),
            self.is_resilient.map_or(Cell::Empty, Cell::Truth),
        ]
    }
}

impl Cell<'_> {
    fn write_csv(&self, sink: &mut impl Write) -> io::Result<()> {
        match self {
            Cell::Empty => Ok(()),
            Cell::Text(text) if text.contains([',', '"', '\r', '\n']) => {
                write!(sink, "\"{}\"", text.replace('"', "\"\""))
            }
            Cell::Text(text) => sink.write_all(text.as_bytes()),
            Cell::Whole(value) => write!(sink, "{value}"),
            Cell::Real(value) => sink.write_all(seventeen_digits(*value).as_bytes()),
            Cell::Truth(value) => write!(sink, "{value}"),
        }
    }

    fn write_json(&self, sink: &mut impl Write) -> io::Result<()> {
        match self {
            Cell::Empty => sink.write_all(b"null"),
            Cell::Text(text) => serde_json::to_writer(sink, text).map_err(io::Error::from),
            Cell::Whole(_) | Cell::Real(_) | Cell::Truth(_) => self.write_csv(sink),
        }
    }
}

/// A double with 17 significant digits, without the zeros at the end, as `%.17g` prints it.
pub(super) fn seventeen_digits(value: f64) -> String {
    let text = format!("{value:.16e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let mut digits = mantissa.replace('.', "");
    digits.truncate(digits.trim_end_matches('0').len().max(1));
    match exponent.parse::<i32>() {
        Ok(exponent @ 0..17) => {
            let whole = exponent as usize + 1;
            while digits.len() < whole {
                digits.push('0');
            }
            if digits.len() > whole {
                digits.insert(whole, '.');
            }
            format!("{sign}{digits}")
        }
        Ok(exponent @ -4..0) => format!("{sign}0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1)),
        Ok(_) | Err(_) => {
            if digits.len() > 1 {
                digits.insert(1, '.');
            }
            format!("{sign}{digits}e{exponent}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_have_seventeen_digits_and_read_back() {
        for (value, text) in [
            (95.0 / 24.0, "3.9583333333333335"),
            (4.0, "4"),
            (0.1, "0.10000000000000001"),
            (-0.0625, "-0.0625"),
            (120.0, "120"),
            (1e-7, "9.9999999999999995e-8"),
            (1e20, "1e20"),
            (0.0, "0"),
        ] {
            assert_eq!(seventeen_digits(value), text);
            assert_eq!(text.parse::<f64>().unwrap(), value);
        }
    }

    #[test]
    fn names_are_quoted_where_they_must_be() {
        let row = Row {
            subject: "a, \"b\"",
            criterion: "",
            figures: Figures::default(),
            status: Status::Insufficient,
            verdict: None,
            is_resilient: None,
        };
        for (format, start) in
            [(Format::Csv, "\"a, \"\"b\"\"\",,,"), (Format::Json, "{\"subject\":\"a, \\\"b\\\"\",\"criterion\":null,")]
        {
            let mut bytes = Vec::new();
            let mut output = Output::begin(&mut bytes, format, Extent::Figures).unwrap();
            output.row(&row).unwrap();
            output.end().unwrap();
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.lines().nth(1).unwrap().starts_with(start), "{text}");
        }
    }
}
