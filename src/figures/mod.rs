//! What was published, and what is compared, as figures: shapes and words, of which SVG and printed documents are made. A
//! newcomer's usual mistake is to fetch one more number for a drawing; what is drawn is what was published, so nothing here
//! knows an exact score, a mark or another judge's value, and a test holds the imports to that.

pub mod derived_figure;
pub mod drawing;
pub mod indicator_figure;
pub mod numbers;
pub mod result_figure;
pub mod svg;
pub mod words;
