//! Installed updates of Windows.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use gururmm_protocol::inventory::HotFix;
use serde::Deserialize;

use super::{filetime, row};

/// An object of `Win32_QuickFixEngineering`
/// (<https://learn.microsoft.com/windows/win32/cimwin32prov/win32-quickfixengineering>).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QuickFix {
    /// `KB5034439`.
    #[serde(rename = "HotFixID", deserialize_with = "row::text")]
    pub id: Option<String>,
    /// `Update`, `Security Update`, `Hotfix`.
    #[serde(deserialize_with = "row::text")]
    pub description: Option<String>,
    /// A date in one of several forms.
    #[serde(deserialize_with = "row::text")]
    pub installed_on: Option<String>,
}

/// The updates by number, each once. Windows tells one again for each account that installed a part of it; the first
/// date is kept.
#[must_use]
pub fn hot_fixes(fixes: Vec<QuickFix>) -> Vec<HotFix> {
    let order = Order::of(fixes.iter().filter_map(|fix| fix.installed_on.as_deref()));
    let mut by_id: BTreeMap<String, HotFix> = BTreeMap::new();
    for fix in fixes {
        let Some(id) = fix.id.filter(|id| !id.starts_with("File ")) else { continue };
        let installed_on = fix.installed_on.as_deref().and_then(|text| date(text, order));
        let kept = by_id.entry(id.clone()).or_insert(HotFix { id, description: fix.description, installed_on });
        kept.installed_on = [kept.installed_on, installed_on].into_iter().flatten().min();
    }
    by_id.into_values().collect()
}

/// Which number of `1/2/2024` is the month. The class writes it first, as Americans do, but systems with other settings
/// have been seen to write it second. All dates of one answer are written alike, so one day above 12 decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    MonthFirst,
    DayFirst,
    /// The answer contradicts itself: only what can be read in one way is read.
    Unclear,
}

impl Order {
    fn of<'a>(dates: impl Iterator<Item = &'a str>) -> Self {
        let (mut day_second, mut day_first) = (false, false);
        for [first, second, _] in dates.filter_map(|text| numbers(text, '/')) {
            day_first |= first > 12;
            day_second |= second > 12;
        }
        match (day_first, day_second) {
            (false, _) => Self::MonthFirst,
            (true, false) => Self::DayFirst,
            (true, true) => Self::Unclear,
        }
    }
}

/// Reads `1/31/2024` (in the order of its fellows), `31.01.2024`, `2024-01-31`, `20240131`, and the 16 hexadecimal digits
/// of a `FILETIME`, which Windows Server 2008 and systems upgraded from it have.
fn date(text: &str, order: Order) -> Option<NaiveDate> {
    let year_month_day = |[year, month, day]: [u32; 3]| {
        // Two-digit years are not guessed.
        if year < 1000 { None } else { NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day) }
    };
    if text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return i64::from_str_radix(text, 16).ok().and_then(filetime::instant).map(|at| at.date_naive());
    }
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return NaiveDate::parse_from_str(text, "%Y%m%d").ok();
    }
    if let Some([day, month, year]) = numbers(text, '.') {
        return year_month_day([year, month, day]);
    }
    if let Some(date) = numbers(text, '-') {
        return year_month_day(date);
    }
    let [first, second, third] = numbers(text, '/')?;
    if first > 31 {
        return year_month_day([first, second, third]);
    }
    let (month_first, day_first) = ([third, first, second], [third, second, first]);
    match order {
        Order::MonthFirst => year_month_day(month_first),
        Order::DayFirst => year_month_day(day_first),
        Order::Unclear => match (year_month_day(month_first), year_month_day(day_first)) {
            (Some(date), None) | (None, Some(date)) => Some(date),
            _ => None,
        },
    }
}

/// Three numbers between separators; a time of day behind them is left out.
fn numbers(text: &str, separator: char) -> Option<[u32; 3]> {
    let mut parts = text.split_whitespace().next()?.split(separator).map(|part| part.parse().ok());
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::windows::row::{rows, typed};
    use serde_json::json;

    fn dates(texts: &[&str]) -> Vec<Option<String>> {
        let order = Order::of(texts.iter().copied());
        texts.iter().map(|text| date(text, order).map(|date| date.to_string())).collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn an_answer_of_windows_server() {
        let answer = json!([
            {"HotFixID": "KB5034439", "Description": "Security Update", "InstalledOn": "1/12/2024", "InstalledBy": r"NT AUTHORITY\SYSTEM"},
            {"HotFixID": "KB5012170", "Description": "Security Update", "InstalledOn": "12/25/2023"},
            {"HotFixID": "KB5012170", "Description": "Security Update", "InstalledOn": "11/2/2023"},
            {"HotFixID": "KB5011048", "Description": "Update", "InstalledOn": ""},
            {"HotFixID": "File 1", "ServicePackInEffect": "SP3"},
            {"Description": "without a number"},
        ]);
        let (fixes, unfit) = typed::<QuickFix>(rows(answer));
        assert_eq!(unfit, 0);
        let fixes = hot_fixes(fixes);
        let told: Vec<_> =
            fixes.iter().map(|fix| (fix.id.as_str(), fix.installed_on.map(|on| on.to_string()))).collect();
        assert_eq!(told, [("KB5011048", None), ("KB5012170", some("2023-11-02")), ("KB5034439", some("2024-01-12"))]);
        assert_eq!(fixes[0].description.as_deref(), Some("Update"));
    }

    #[test]
    fn one_day_above_twelve_decides_for_all() {
        assert_eq!(dates(&["1/2/2024", "1/3/2024"]), [some("2024-01-02"), some("2024-01-03")]);
        assert_eq!(dates(&["1/2/2024", "13/3/2024"]), [some("2024-02-01"), some("2024-03-13")]);
        assert_eq!(
            dates(&["1/2/2024", "13/3/2024", "3/14/2024", "5/5/2024"]),
            [None, some("2024-03-13"), some("2024-03-14"), None],
            "what can be read in two ways is not guessed",
        );
    }

    #[test]
    fn other_forms() {
        assert_eq!(dates(&["01c9c5ce4b48e5fd"]), [some("2009-04-25")]);
        assert_eq!(dates(&["31.01.2024", "20240131", "2024-01-31", "2024/1/31 0:00:00"]), vec![some("2024-01-31"); 4]);
        assert_eq!(dates(&["1/2/24", "soon", "", "1/2", "1/2/3/4", "32.13.2024"]), vec![None; 6]);
    }
}
