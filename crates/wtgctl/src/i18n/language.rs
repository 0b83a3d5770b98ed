//! Which language to speak: `--lang`, then `WTGCTL_LANG`, then the locale.

use std::ffi::OsString;

use crate::cli::Lang;

/// Variables of the locale for messages; the first one that is not empty counts.
const LOCALE: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// The language of messages; `variable` looks into the environment.
pub(crate) fn language(option: Option<Lang>, variable: impl Fn(&str) -> Option<OsString>) -> Lang {
    let value = |name: &str| {
        variable(name)
            .map(|value| value.to_string_lossy().to_ascii_lowercase())
            .filter(|value| !value.is_empty())
    };
    if let Some(lang) = option {
        return lang;
    }
    let chosen = value("WTGCTL_LANG").or_else(|| LOCALE.iter().find_map(|name| value(name)));
    chosen.as_deref().map_or(Lang::En, of_locale)
}

/// `zh`, `zh_CN.UTF-8`, `zh-Hans`, … A locale with another character set could not show our UTF-8.
fn of_locale(locale: &str) -> Lang {
    let (name, charset) = locale.split_once('.').unwrap_or((locale, "utf-8"));
    let is_utf8 = charset.starts_with("utf-8") || charset.starts_with("utf8");
    match name.split(['_', '-', '@']).next() {
        Some("zh") if is_utf8 => Lang::Zh,
        _ => Lang::En,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(option: Option<Lang>, variables: &[(&str, &str)]) -> Lang {
        language(option, |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_option_goes_before_the_variable_before_the_locale() {
        let all = [("WTGCTL_LANG", "zh"), ("LC_ALL", "C.UTF-8")];
        assert_eq!(with(Some(Lang::En), &all), Lang::En);
        assert_eq!(with(None, &all), Lang::Zh);
        assert_eq!(
            with(None, &[("WTGCTL_LANG", "en"), ("LANG", "zh_CN.UTF-8")]),
            Lang::En
        );
        assert_eq!(
            with(None, &[("LC_ALL", ""), ("LC_MESSAGES", "zh_CN.UTF-8")]),
            Lang::Zh
        );
        assert_eq!(with(None, &[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")]), Lang::En);
        assert_eq!(with(None, &[]), Lang::En);
    }

    #[test]
    fn locales() {
        for locale in ["zh", "zh_CN", "zh_TW.utf8", "zh-Hans", "ZH_CN.UTF-8@pinyin"] {
            assert_eq!(with(None, &[("LANG", locale)]), Lang::Zh, "{locale}");
        }
        for locale in ["C", "POSIX", "en_US.UTF-8", "zha", "zh_CN.GB18030", "de_DE@euro"] {
            assert_eq!(with(None, &[("LANG", locale)]), Lang::En, "{locale}");
        }
    }
}
