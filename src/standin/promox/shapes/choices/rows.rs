//! What rows look like: names, ids, links, custom fields, nulls, dates, money, text (sections 7, 10 to 13).

use super::super::dimension::dimension;

dimension! {
    /// What the objects are called.
    Words "words" {
        /// clients, leads, projects, commissions, tasks, notes.
        Promox = "promox" 40,
        /// customers, leads, orders, commissions, tasks, notes.
        Orders = "orders" 20,
        /// accounts, leads, opportunities, commissions, activities, notes.
        Accounts = "accounts" 15,
        /// contacts, leads, deals, commissions, tasks, notes.
        Contacts = "contacts" 15,
        /// companies, leads, jobs, commissions, activities, notes.
        Companies = "companies" 10,
    }
}

dimension! {
    /// How the words become paths.
    PathStyle "paths" {
        /// `/clients`.
        Plural = "plural" 70,
        /// `/client`.
        Singular = "singular" 10,
        /// `/clients.json`.
        Json = "json" 6,
        /// `/Clients`.
        Pascal = "pascal" 7,
        /// `/clients/list`.
        List = "list" 7,
    }
}

dimension! {
    /// Whether the customer's plan opens every object.
    Gated "gated" {
        /// Yes.
        No = "no" 90,
        /// Commissions are answered with 403 and JSON.
        Commissions = "commissions" 10,
    }
}

dimension! {
    /// How fields are spelled.
    Spelling "spelling" {
        /// `first_name`.
        Snake = "snake" 48,
        /// `firstName`.
        Camel = "camel" 30,
        /// `FirstName`.
        Pascal = "pascal" 10,
        /// `FIRST_NAME`.
        Upper = "upper" 5,
        /// `First Name`.
        Title = "title" 7,
    }
}

dimension! {
    /// The form of ids (sections 7 and 17).
    Ids "ids" {
        /// `4821`.
        Int = "int" 45,
        /// A whole number beyond 2^53.
        Big = "big" 5,
        /// `"4821"`.
        Text = "text" 9,
        /// 24 hexadecimal digits.
        Hex = "hex" 6,
        /// `"con_9f2c…"`.
        Prefixed = "prefixed" 6,
        /// `"4821-clients"`.
        Suffixed = "suffixed" 2,
        /// 18 letters and digits, where the case matters.
        Case18 = "case18" 2,
        /// A UUID.
        Uuid = "uuid" 20,
        /// `"12x4821"`: module and record.
        Composite = "composite" 5,
    }
}

dimension! {
    /// Name of the id, before it is spelled.
    IdKey "id-key" {
        /// `id`.
        Id = "id" 75,
        /// `_id`, whatever the spelling.
        Under = "_id" 6,
        /// `client_id` in clients.
        Object = "object" 12,
        /// `uuid`, whatever the spelling.
        Uuid = "uuid" 3,
        /// `guid`, whatever the spelling.
        Guid = "guid" 2,
        /// `key`, whatever the spelling.
        Key = "key" 2,
    }
}

dimension! {
    /// How a row names another.
    Links "links" {
        /// By its id, in the same form.
        Ids = "ids" 62,
        /// By its id as text, where lists have a number.
        Text = "text" 10,
        /// By an object of id and name.
        Objects = "objects" 14,
        /// By its address.
        Urls = "urls" 6,
        /// By its name.
        Names = "names" 8,
    }
}

dimension! {
    /// Where custom fields are (section 10).
    Custom "custom" {
        /// Among the others, under plain names.
        Inline = "inline" 25,
        /// Among the others, as `cf_12`.
        Prefixed = "prefixed" 15,
        /// Among the others, under 40 hexadecimal digits.
        Hashed = "hashed" 8,
        /// Among the others, as `Supplier_Tier__c`.
        Suffixed = "suffixed" 7,
        /// In a map `custom_fields`.
        Map = "map" 22,
        /// In an array of name and value.
        Array = "array" 13,
        /// Among the others; every field of the row is an object with `value`.
        Typed = "typed" 4,
        /// Only when asked for with `fields=`.
        Fields = "fields" 3,
        /// Only when asked for with `expand=custom_fields`.
        Expand = "expand" 3,
    }
}

dimension! {
    /// Where custom fields are defined.
    Definitions "definitions" {
        /// Nowhere.
        None = "none" 45,
        /// `clients/fields`.
        ObjectFields = "object-fields" 12,
        /// `clients/fields/definitions`.
        ObjectDefinitions = "object-definitions" 5,
        /// `fields`.
        Fields = "fields" 8,
        /// `custom_fields`.
        CustomFields = "custom_fields" 14,
        /// `metadata`.
        Metadata = "metadata" 5,
        /// `describe`.
        Describe = "describe" 5,
        /// `settings/fields`.
        Settings = "settings-fields" 6,
    }
}

dimension! {
    /// How custom fields with a list of options hold their value.
    Options "options" {
        /// By label.
        Labels = "labels" 70,
        /// By the option's id; the definitions have the labels.
        Ids = "ids" 30,
    }
}

dimension! {
    /// How a missing value is written (section 11).
    Nulls "nulls" {
        /// `null`.
        Null = "null" 48,
        /// The key is missing.
        Missing = "missing" 18,
        /// `""`.
        Text = "text" 16,
        /// `0` for numbers, `"0000-00-00"` for days, `""` for the rest.
        Zero = "zero" 4,
        /// `"N/A"`.
        NotAvailable = "n/a" 4,
        /// `"-"`.
        Dash = "dash" 3,
        /// `[]`.
        Array = "array" 3,
        /// `{}`.
        Object = "object" 2,
        /// `false`.
        False = "false" 2,
    }
}

dimension! {
    /// How instants are written (sections 11 and 17).
    Dates "dates" {
        /// `2024-03-05T14:22:10Z`.
        Z = "iso-z" 32,
        /// `2024-03-05T14:22:10+00:00`.
        Offset = "iso-offset" 12,
        /// `2024-03-05T14:22:10+0000`.
        Compact = "iso-compact" 6,
        /// `2024-03-05T14:22:10`.
        Naive = "naive" 9,
        /// `2024-03-05 14:22:10`.
        Space = "naive-space" 6,
        /// Seconds since 1970.
        Epoch = "epoch" 5,
        /// Milliseconds since 1970.
        EpochMs = "epoch-ms" 3,
        /// Seconds since 1970 as text.
        EpochText = "epoch-text" 1,
        /// `/Date(1709648530000+0000)/`.
        Json = "json" 1,
        /// `03/05/2024 02:22:10 PM`.
        MonthFirst = "us" 10,
        /// `05/03/2024 14:22:10`.
        DayFirst = "dmy" 6,
        /// `Mar 5, 2024 2:22 PM`.
        MonthName = "month-name" 4,
        /// Created as [`Dates::Z`], updated as [`Dates::Space`], days as `MM/DD/YYYY`.
        Mixed = "mixed" 5,
    }
}

dimension! {
    /// The zone of instants that do not say it.
    Zone "zone" {
        /// UTC.
        Utc = "utc" 50,
        /// The account's zone.
        Account = "account" 50,
    }
}

dimension! {
    /// How money is written (section 12).
    Money "money" {
        /// `1250.5`.
        Float = "float" 38,
        /// `"1250.50"`.
        Text = "text" 22,
        /// `125050`.
        Cents = "cents" 14,
        /// `{"amount": 1250.5, "currency": "USD"}`.
        Object = "object" 12,
        /// `"$1,250.50"`.
        Dollar = "dollar" 8,
        /// A number in one row, text in the next.
        Both = "both" 6,
    }
}

dimension! {
    /// Where the currency is said.
    Currency "currency" {
        /// In a field beside.
        Sibling = "sibling" 65,
        /// At the account only.
        Account = "account" 15,
        /// Nowhere.
        Nowhere = "nowhere" 20,
    }
}

dimension! {
    /// How long texts come (section 13).
    Text "text" {
        /// As HTML.
        Html = "html" 56,
        /// As HTML, escaped once more.
        Escaped = "escaped" 8,
        /// As plain text, with a twin in HTML: `notes` and `notes_html`.
        Twins = "twins" 10,
        /// As plain text with `\r\n`, where the HTML had paragraphs.
        Crlf = "crlf" 10,
        /// As Markdown.
        Markdown = "markdown" 5,
        /// As RTF.
        Rtf = "rtf" 2,
        /// As HTML, cut at 255 characters.
        Truncated = "truncated" 5,
        /// As HTML with a NUL byte and an emoji at its end.
        Nul = "nul" 4,
    }
}
