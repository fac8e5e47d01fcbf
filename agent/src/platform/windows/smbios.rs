//! The firmware's description of the machine (SMBIOS, DMTF DSP0134), as `GetSystemFirmwareTable('RSMB')` gives it.

/// One structure of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure<'a> {
    /// What it describes: 0 firmware, 1 system, 2 board, 3 chassis, 17 memory device, 127 end.
    pub kind: u8,
    /// Its fixed part, with the four bytes of the header; offsets are those of the specification.
    formatted: &'a [u8],
    strings: Vec<&'a [u8]>,
}

impl Structure<'_> {
    /// The byte at this offset, when this version of the structure has it.
    #[must_use]
    pub fn byte(&self, offset: usize) -> Option<u8> {
        self.formatted.get(offset).copied()
    }

    /// The text whose number stands at this offset, without surrounding space; none when it is empty.
    #[must_use]
    pub fn text(&self, offset: usize) -> Option<String> {
        let number = usize::from(self.byte(offset)?);
        let text = String::from_utf8_lossy(self.strings.get(number.checked_sub(1)?)?).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }
}

/// The table: `RawSMBIOSData` has eight bytes of header (calling method, major and minor version, revision, length).
#[derive(Debug, Clone, Copy)]
pub struct Smbios<'a> {
    /// Major and minor version of the specification that it follows.
    pub version: (u8, u8),
    table: &'a [u8],
}

impl<'a> Smbios<'a> {
    /// Reads the header; none when there is no table.
    #[must_use]
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        let (header, rest) = raw.split_at_checked(8)?;
        let length = u32::from_le_bytes(header[4..8].try_into().ok()?) as usize;
        Some(Self { version: (header[1], header[2]), table: &rest[..length.min(rest.len())] })
    }

    /// All structures up to the end, or to where the table makes no sense any more.
    pub fn structures(self) -> impl Iterator<Item = Structure<'a>> {
        let mut rest = self.table;
        std::iter::from_fn(move || {
            let (structure, after) = take(rest)?;
            rest = after;
            Some(structure)
        })
    }

    /// The machine's UUID as text; none when it was never set (all ones) or is not there (all zeros). Up to version 2.5
    /// the byte order was not settled, later the first three fields are little-endian.
    #[must_use]
    pub fn uuid(self) -> Option<String> {
        let system = self.structures().find(|structure| structure.kind == 1)?;
        let bytes: [u8; 16] = system.formatted.get(8..24)?.try_into().ok()?;
        if bytes == [0; 16] || bytes == [0xFF; 16] {
            return None;
        }
        let uuid =
            if self.version >= (2, 6) { uuid::Uuid::from_bytes_le(bytes) } else { uuid::Uuid::from_bytes(bytes) };
        Some(uuid.to_string())
    }
}

/// The structure at the beginning: its fixed part, then texts with their ends, then one more NUL.
fn take(table: &[u8]) -> Option<(Structure<'_>, &[u8])> {
    let (kind, length) = (*table.first()?, usize::from(*table.get(1)?));
    if length < 4 || kind == 127 {
        return None;
    }
    let (formatted, mut rest) = table.split_at_checked(length)?;
    let mut strings = Vec::new();
    loop {
        let end = rest.iter().position(|byte| *byte == 0)?;
        let (text, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if text.is_empty() {
            // Without any text there are two NULs.
            if strings.is_empty() && rest.first() == Some(&0) {
                rest = &rest[1..];
            }
            return Some((Structure { kind, formatted, strings }, rest));
        }
        strings.push(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(version: (u8, u8), structures: &[u8]) -> Vec<u8> {
        let mut raw = vec![0, version.0, version.1, 0];
        raw.extend(u32::try_from(structures.len()).unwrap().to_le_bytes());
        raw.extend(structures);
        raw
    }

    const UUID: [u8; 16] =
        [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF];

    fn table(uuid: [u8; 16]) -> Vec<u8> {
        // A structure without texts, then the system's with two.
        let mut table = vec![126, 4, 0, 0, 0, 0, 1, 27, 1, 0, 1, 2, 0, 0];
        table.extend(uuid);
        table.extend([6, 0, 0]);
        table.extend(b"QEMU\0 Standard PC \0\0");
        table.extend([127, 4, 2, 0, 0, 0]);
        table
    }

    #[test]
    fn texts_and_uuid_of_the_system() {
        let raw = raw((2, 8), &table(UUID));
        let smbios = Smbios::parse(&raw).unwrap();
        let structures: Vec<_> = smbios.structures().collect();
        assert_eq!(structures.iter().map(|s| s.kind).collect::<Vec<_>>(), [126, 1]);
        assert_eq!(structures[1].text(4).as_deref(), Some("QEMU"));
        assert_eq!(structures[1].text(5).as_deref(), Some("Standard PC"));
        assert_eq!(structures[1].text(6), None);
        assert_eq!(structures[1].text(99), None);
        // The example of the specification, 7.2.1.
        assert_eq!(smbios.uuid().as_deref(), Some("00112233-4455-6677-8899-aabbccddeeff"));
    }

    #[test]
    fn an_unset_uuid_is_none() {
        for unset in [[0; 16], [0xFF; 16]] {
            let raw = raw((3, 2), &table(unset));
            assert_eq!(Smbios::parse(&raw).unwrap().uuid(), None);
        }
    }

    #[test]
    fn a_cut_table_is_read_as_far_as_it_goes() {
        let whole = raw((2, 8), &table(UUID));
        for length in 0..whole.len() {
            if let Some(smbios) = Smbios::parse(&whole[..length]) {
                assert!(smbios.structures().count() <= 2);
            }
        }
        let mut lying = whole;
        lying[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Smbios::parse(&lying).unwrap().structures().count(), 2);
    }
}
