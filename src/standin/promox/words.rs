//! The word lists that every invented name, address and sentence is made of.
//!
//! Company names are coined from syllables, so that none is a company's own; phone numbers keep to 555-01XX and e-mail
//! addresses to `.example` and `.test`, which are reserved for fiction (RFC 2606).

/// First names.
pub(super) const FIRST_NAMES: &[&str] = &[
    "Abel", "Ada", "Adrian", "Agnes", "Alana", "Alec", "Alma", "Amara", "Anders", "Anika", "Antonia", "Ari", "Astrid",
    "Aubrey", "Basil", "Bea", "Benita", "Bodhi", "Bram", "Bridget", "Caleb", "Camille", "Carmen", "Cedric", "Celeste",
    "Clara", "Cleo", "Conrad", "Cora", "Dahlia", "Damon", "Dana", "Daphne", "Dario", "Delia", "Desmond", "Dina", "Edda",
    "Edgar", "Elena", "Elias", "Eloise", "Emeka", "Enid", "Ezra", "Fabian", "Faye", "Felix", "Fiona", "Flora", "Gemma",
    "Gideon", "Greta", "Gwen", "Hana", "Harriet", "Hector", "Helga", "Hollis", "Ida", "Ignacio", "Imani", "Inez",
    "Ingrid", "Iris", "Isaac", "Ivo", "Jada", "Jasper", "Joel", "Jonah", "Joyce", "Juno", "Kai", "Kamal", "Keira",
    "Kofi", "Lars", "Leila", "Leona", "Linus", "Lorena", "Lucia", "Mabel", "Magnus", "Malik", "Marisol", "Maude",
    "Milo", "Mina", "Nadia", "Nell", "Nico", "Nora", "Odette", "Olive", "Omar", "Oona", "Opal", "Orson", "Otto", "Paige",
    "Petra", "Phoebe", "Quentin", "Ramona", "Reuben", "Rhea", "Rosa", "Rufus", "Sadie", "Salma", "Selma", "Silas",
    "Simone", "Sofia", "Stella", "Tamsin", "Tariq", "Thea", "Tobias", "Uma", "Vera", "Viktor", "Wanda", "Willa", "Xavier",
    "Yara", "Yusuf", "Zelda", "Zora",
];

/// Last names.
pub(super) const LAST_NAMES: &[&str] = &[
    "Abara", "Acker", "Albin", "Amador", "Andrade", "Archer", "Ashdown", "Atwell", "Baird", "Ballard", "Banner", "Bascom",
    "Beckett", "Bellamy", "Benoit", "Birch", "Blakely", "Bolton", "Bowers", "Brandt", "Brewster", "Brink", "Burgos",
    "Calder", "Cardenas", "Carrick", "Castell", "Chaudry", "Childers", "Clement", "Colby", "Conti", "Corbin", "Crane",
    "Cullen", "Dalton", "Danner", "Darby", "Delaney", "Denham", "Devlin", "Dorsey", "Draper", "Drummond", "Dunlap",
    "Easton", "Eckert", "Ellery", "Emerson", "Escobar", "Fairbank", "Farrow", "Fenwick", "Figueroa", "Finch", "Fletcher",
    "Forsythe", "Fowler", "Gallagher", "Garnett", "Gentry", "Gilmore", "Goddard", "Granger", "Greer", "Grimaldi",
    "Haddad", "Hale", "Halloran", "Hanley", "Harlan", "Hathaway", "Hendry", "Herrera", "Hobart", "Holloway", "Horton",
    "Hsu", "Huxley", "Ibarra", "Ingram", "Ito", "Jarvis", "Jensen", "Jovanovic", "Kaplan", "Keating", "Kendrick",
    "Kimura", "Kirby", "Kovacs", "Lambert", "Landry", "Larkin", "Lennox", "Lindqvist", "Lockhart", "Lorimer", "Lowell",
    "Lund", "Macias", "Madden", "Maldonado", "Marlow", "Mather", "Maxfield", "Mercer", "Merrick", "Milburn", "Montrose",
    "Moreau", "Munro", "Nakata", "Navarro", "Nolan", "Norwood", "Nwosu", "Oakley", "Odum", "Okafor", "Olander", "Ortega",
    "Osgood", "Pacheco", "Palmer", "Pardo", "Parrish", "Pennington", "Perrin", "Pike", "Pomeroy", "Prescott", "Quigley",
    "Quintero", "Radley", "Ramsey", "Rankin", "Redmond", "Rigby", "Rinaldi", "Rojas", "Rowan", "Ruiz", "Sadler", "Salazar",
    "Sandoval", "Sawyer", "Schuler", "Sears", "Shelby", "Sinclair", "Slater", "Sorensen", "Spalding", "Stanton", "Sterling",
    "Stroud", "Sutter", "Takeda", "Talbot", "Tanner", "Teague", "Thackery", "Tilden", "Tolbert", "Trevino", "Tucker",
    "Underhill", "Urban", "Valdez", "Vance", "Varga", "Vaughn", "Velasco", "Wakefield", "Walden", "Ware", "Weldon",
    "Whitaker", "Wilder", "Winslow", "Wolcott", "Yardley", "Yates", "Zamora", "Zeller", "Zimmer",
];

/// Names with letters beyond ASCII.
pub(super) const LETTERED_NAMES: &[(&str, &str)] = &[
    ("Åsa", "Ångström"), ("José", "Nuñez"), ("Zoë", "Brontová"), ("Günter", "Müllerhoff"), ("Renée", "Lefèvre"),
    ("Søren", "Bjørnstad"), ("Łukasz", "Żurek"), ("İpek", "Çağlar"), ("Chloé", "Béranger"), ("Ondřej", "Dvořáček"),
];

/// Last names with a typographic apostrophe.
pub(super) const APOSTROPHE_NAMES: &[&str] = &["O’Neil", "D’Amato", "O’Rourke", "L’Heureux", "O’Keeffe"];

/// What names look like after UTF-8 was read as Windows-1252 and saved again.
pub(super) const MOJIBAKE_NAMES: &[(&str, &str)] = &[
    ("Ã…sa", "Ã…ngstrÃ¶m"), ("JosÃ©", "NuÃ±ez"), ("RenÃ©e", "LefÃ¨vre"), ("GÃ¼nter", "MÃ¼llerhoff"),
];

/// First syllables of coined company names.
pub(super) const COINED_STARTS: &[&str] = &[
    "Al", "Ar", "Bel", "Bran", "Bril", "Cal", "Cor", "Dar", "Del", "Dor", "El", "Fal", "Far", "Fen", "Gal", "Gar", "Hal",
    "Har", "Jor", "Kal", "Kel", "Kor", "Lan", "Lor", "Mar", "Mel", "Nor", "Or", "Pel", "Quil", "Ran", "Rel", "Sal", "Sel",
    "Tal", "Tor", "Ul", "Val", "Vel", "Wel", "Yar", "Zan",
];

/// Middle syllables of coined company names; the empty ones make short names.
pub(super) const COINED_MIDDLES: &[&str] =
    &["", "", "", "a", "be", "di", "e", "ga", "i", "ka", "la", "mi", "no", "o", "ra", "si", "ta", "ve", "wi", "zo"];

/// Last syllables of coined company names.
pub(super) const COINED_ENDS: &[&str] = &[
    "bourne", "brook", "by", "cott", "dale", "den", "dine", "ford", "gate", "grove", "hart", "ley", "lin", "line", "mont",
    "mar", "mere", "nell", "nora", "pine", "quist", "ridge", "rick", "rona", "send", "stead", "tern", "thorn", "tide",
    "ton", "vane", "vara", "ville", "ward", "well", "wick", "worth", "wyn",
];

/// What the company does, with the industry the CRM files it under.
pub(super) const TRADES: &[(&str, &str)] = &[
    ("Academy", "Education"), ("Schools", "Education"), ("College Store", "Education"), ("Athletics", "Education"),
    ("Foods", "Food & Beverage"), ("Brewing", "Food & Beverage"), ("Coffee", "Food & Beverage"),
    ("Orchards", "Food & Beverage"), ("Clinic", "Healthcare"), ("Dental", "Healthcare"), ("Hospice", "Healthcare"),
    ("Pharmacy", "Healthcare"), ("Credit Union", "Finance"), ("Insurance", "Finance"), ("Savings", "Finance"),
    ("Logistics", "Transportation"), ("Freight", "Transportation"), ("Builders", "Construction"),
    ("Roofing", "Construction"), ("Electric", "Construction"), ("Realty", "Real Estate"), ("Homes", "Real Estate"),
    ("Software", "Technology"), ("Robotics", "Technology"), ("Networks", "Technology"), ("Foundation", "Non-profit"),
    ("Food Bank", "Non-profit"), ("Museum", "Non-profit"), ("Hotel", "Hospitality"), ("Resorts", "Hospitality"),
    ("Events", "Hospitality"), ("Motors", "Automotive"), ("Tooling", "Manufacturing"), ("Plastics", "Manufacturing"),
    ("Paper", "Manufacturing"), ("Outdoor", "Retail"), ("Hardware", "Retail"), ("Pet Supply", "Retail"),
    ("City Council", "Government"), ("Parks", "Government"),
];

/// Legal forms; the empty ones are companies that go without.
pub(super) const FORMS: &[&str] = &["", "", "", "", " Inc", " LLC", " Co.", " Group", " Ltd", " & Sons"];

/// Industries the CRM no longer offers but old records still name.
pub(super) const RETIRED_INDUSTRIES: &[&str] = &["Dot-com", "Video Rental", "Misc. (old)"];

/// Cities with their state, first three digits of the ZIP code, and area code.
pub(super) const CITIES: &[(&str, &str, &str, &str)] = &[
    ("Phoenix", "AZ", "850", "602"), ("Tucson", "AZ", "857", "520"), ("Denver", "CO", "802", "303"),
    ("Boise", "ID", "837", "208"), ("Chicago", "IL", "606", "312"), ("Peoria", "IL", "616", "309"),
    ("Rockford", "IL", "611", "815"), ("Fort Wayne", "IN", "468", "260"), ("Des Moines", "IA", "503", "515"),
    ("Wichita", "KS", "672", "316"), ("Louisville", "KY", "402", "502"), ("Baton Rouge", "LA", "708", "225"),
    ("Portland", "ME", "041", "207"), ("Worcester", "MA", "016", "508"), ("Grand Rapids", "MI", "495", "616"),
    ("Duluth", "MN", "558", "218"), ("Minneapolis", "MN", "554", "612"), ("St. Louis", "MO", "631", "314"),
    ("Omaha", "NE", "681", "402"), ("Reno", "NV", "895", "775"), ("Albuquerque", "NM", "871", "505"),
    ("Buffalo", "NY", "142", "716"), ("Raleigh", "NC", "276", "919"), ("Fargo", "ND", "581", "701"),
    ("Dayton", "OH", "454", "937"), ("Toledo", "OH", "436", "419"), ("Tulsa", "OK", "741", "918"),
    ("Eugene", "OR", "974", "541"), ("Erie", "PA", "165", "814"), ("Greenville", "SC", "296", "864"),
    ("Knoxville", "TN", "379", "865"), ("El Paso", "TX", "799", "915"), ("Waco", "TX", "767", "254"),
    ("Provo", "UT", "846", "801"), ("Roanoke", "VA", "240", "540"), ("Spokane", "WA", "992", "509"),
    ("Madison", "WI", "537", "608"), ("Green Bay", "WI", "543", "920"),
];

/// Street names without their kind.
pub(super) const STREETS: &[&str] = &[
    "Alder", "Birchwood", "Canal", "Cedar", "Commerce", "Depot", "Elm", "Foundry", "Grain Exchange", "Harbor", "Juniper",
    "Lakeview", "Maple", "Market", "Mill", "Orchard", "Prairie", "Quarry", "River", "Sycamore", "Union", "Warehouse",
];

/// Kinds of street.
pub(super) const STREET_KINDS: &[&str] = &["St", "Ave", "Blvd", "Rd", "Ln", "Pkwy"];

/// Job titles of clients.
pub(super) const TITLES: &[&str] = &[
    "Marketing Manager", "Office Manager", "Purchasing Agent", "HR Director", "Event Coordinator", "Brand Manager",
    "Athletic Director", "Owner", "Executive Assistant", "Procurement Lead", "Store Manager", "Development Officer", "",
];

/// Tags of clients.
pub(super) const TAGS: &[&str] =
    &["school", "rush", "reorder", "web store", "tradeshow", "net30", "key account", "seasonal", "apparel", "awards"];

/// Artwork file formats a client sends.
pub(super) const ARTWORK: &[&str] = &["AI", "EPS", "PDF", "SVG", "PSD", "DST"];

/// Supplier tiers a client prefers.
pub(super) const TIERS: &[&str] = &["Gold", "Silver", "Bronze", "A", "B"];

/// States of a client.
pub(super) const CLIENT_STATUSES: &[&str] = &["Active", "Active", "Active", "Prospect", "Inactive"];

/// Promotional products.
pub(super) const PRODUCTS: &[&str] = &[
    "20oz Tumblers", "Canvas Totes", "Soft-touch Pens", "Performance Polos", "Quarter-zip Fleece", "Enamel Pins",
    "Ceramic Mugs", "Trucker Caps", "Spiral Notebooks", "Tradeshow Tents", "Lanyards", "Power Banks", "Beach Towels",
    "Stadium Cups", "Desk Calendars", "Golf Balls", "Drawstring Bags", "Crystal Awards", "Stress Relievers",
    "Insulated Coolers", "Knit Beanies", "Embroidered Patches", "Table Throws", "Wireless Chargers",
];

/// Occasions a project is made for.
pub(super) const OCCASIONS: &[&str] = &[
    "Fall Onboarding", "Spring Gala", "Trade Show", "Client Thank You", "Safety Award", "Alumni Weekend", "Grand Opening",
    "Holiday Gift", "5K Run", "Sales Kickoff", "Staff Appreciation", "Product Launch", "Summer Camp", "Golf Outing",
];

/// Kinds of project.
pub(super) const PROJECT_KINDS: &[&str] = &["Kits", "Order", "Reorder", "Program", "Giveaway", "Apparel"];

/// Ways to put a logo on a product.
pub(super) const DECORATIONS: &[&str] =
    &["Embroidery", "Screen print", "Laser", "Pad print", "Full-color digital", "Deboss", "Heat transfer"];

/// States of production, by name; a few rows hold the supplier's number for it instead.
pub(super) const FULFILLMENT: &[&str] =
    &["Received", "Pre-production", "Proof Hold", "In Production", "Partial Ship", "Shipped", "Complete"];

/// Supplier's numbers for the states of production.
pub(super) const FULFILLMENT_CODES: &[&str] = &["10", "30", "42", "60", "75", "80"];

/// Where leads come from.
pub(super) const LEAD_SOURCES: &[&str] = &["Web form", "Trade show", "Referral", "Cold call", "Web store", "Mailing"];

/// Sales territories.
pub(super) const TERRITORIES: &[&str] = &["Midwest", "Mountain", "South", "Northeast", "West"];

/// Subjects of tasks, each with its type.
pub(super) const TASKS: &[(&str, &str)] = &[
    ("Call about reorder", "call"), ("Check in after delivery", "call"), ("Send revised quote", "email"),
    ("Email art guidelines", "email"), ("Present product ideas", "meeting"), ("Walk the showroom", "meeting"),
    ("Order samples", "todo"), ("Confirm in-hands date", "todo"), ("Reconcile supplier invoice", "todo"),
    ("Proof follow-up", "proof"), ("Chase vector artwork", "proof"), ("Approve pre-production sample", "proof"),
];

/// Sentences of notes and bodies. `{product}` and `{number}` are filled in.
pub(super) const SENTENCES: &[&str] = &[
    "Wants {product} in the same navy as last year.", "Logo must stay at least {number} mm from the seam.",
    "Budget is about ${number} per piece, all in.", "Asked for a spec sample of {product} before approving.",
    "Ships to {number} locations; split the cartons by store.", "Proof came back with the old tagline.",
    "Supplier is out of {product} until next month, offered a substitute.", "PO comes after the board meets.",
    "Prefers calls before 10 am.", "Setup charge waived on orders over {number} pieces.",
    "Art file is low resolution, requested vector.", "Needs {product} in hands two days before the event.",
    "Happy with the {product}; reorder likely.", "Artwork approved by phone, confirmation to follow.",
];
