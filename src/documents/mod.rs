//! From what may be shown to the bytes of a document: figures, and whatever is printed of them. A newcomer's usual mistake
//! is to fetch one more number for a drawing; what is drawn is what was published, so nothing here knows an exact score, a
//! mark or another judge's value, and a test holds the imports to that.

pub mod indicator_figure;
pub mod numbers;
pub mod result_figure;
pub mod svg;
