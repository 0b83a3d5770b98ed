//! BCD stores, boot files, answer files and offline configuration of Windows.
