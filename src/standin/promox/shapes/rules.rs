//! What cannot be together, and which side gives way when a draw has both. Nothing else resolves contradictions.

use super::choices::*;
use super::dimension::Dimension as _;
use super::shape::Shape;

/// A contradiction: when it is there, what a draw makes of it, and what somebody who spelled it by hand is told.
struct Rule {
    broken: fn(&Shape) -> bool,
    mend: fn(&mut Shape),
    why: &'static str,
}

const fn rule(why: &'static str, broken: fn(&Shape) -> bool, mend: fn(&mut Shape)) -> Rule {
    Rule { broken, mend, why }
}

/// In this order; a later rule never breaks an earlier one (a test draws many).
const RULES: &[Rule] = &[
    // Drawn by nobody: there is nothing to make whole but the protocol.
    rule(SOAP_WHY, cannot_be_soap, |s| s.protocol = Protocol::Rest),
    rule(
        "verbs of POST reads are built from plurals: protocol=rpc and rpc-single need paths=plural",
        |s| is_post(s) && s.paths != PathStyle::Plural,
        |s| s.paths = PathStyle::Plural,
    ),
    rule(
        "entity sets have one name: protocol=odata4 and odata2 need paths=plural or pascal",
        |s| is_odata(s) && !matches!(s.paths, PathStyle::Plural | PathStyle::Pascal),
        |s| s.paths = PathStyle::Pascal,
    ),
    rule(
        "OData v2 writes dates as /Date(ms)/: protocol=odata2 needs dates=json",
        |s| s.protocol == Protocol::Odata2 && s.dates != Dates::Json,
        |s| s.dates = Dates::Json,
    ),
    rule(
        "a schema knows one type for each field: with OData and GraphQL no money=both, and nulls=null or missing",
        |s| has_schema(s) && (s.money == Money::Both || !matches!(s.nulls, Nulls::Null | Nulls::Missing)),
        |s| {
            if s.money == Money::Both {
                s.money = Money::Float;
            }
            s.nulls = Nulls::Null;
        },
    ),
    rule(
        "names in XML, OData, GraphQL and SQL have no spaces: spelling=title is for JSON",
        |s| (matches!(s.protocol, Protocol::Xml | Protocol::Sql) || has_schema(s)) && s.spelling == Spelling::Title,
        |s| s.spelling = Spelling::Pascal,
    ),
    rule(
        "names in GraphQL begin with a letter: custom=hashed is for others",
        |s| s.protocol == Protocol::Graphql && s.custom == Custom::Hashed,
        |s| s.custom = Custom::Map,
    ),
    rule(
        "XML knows texts and elements: protocol=xml needs nulls=null, missing or text, envelope=resource or items, \
         meta-row=no, and no text=nul",
        |s| {
            s.protocol == Protocol::Xml
                && !(matches!(s.nulls, Nulls::Null | Nulls::Missing | Nulls::Text)
                    && matches!(s.envelope, Envelope::Resource | Envelope::Items)
                    && s.meta_row == MetaRow::No
                    && s.text != Text::Nul)
        },
        |s| {
            (s.nulls, s.envelope, s.meta_row) = (Nulls::Text, Envelope::Resource, MetaRow::No);
            if s.text == Text::Nul {
                s.text = Text::Html;
            }
        },
    ),
    rule(
        "a bare array has no place for a next cursor or address: envelope=bare needs another paging",
        |s| is_bare(s) && matches!(s.paging, Paging::Cursor | Paging::NextUrl),
        |s| s.envelope = Envelope::Items,
    ),
    rule(
        "a bare array has no place for a total: envelope=bare needs total=none, x-total-count or count_total",
        |s| is_bare(s) && !matches!(s.total, Total::None | Total::Header | Total::OnRequest),
        |s| s.total = Total::Header,
    ),
    rule(
        "keyed rows have no last one: envelope=keyed goes without paging=keyset, cursor-form=starting_after and meta-row=yes",
        |s| {
            s.envelope == Envelope::Keyed
                && (s.paging == Paging::Keyset
                    || s.meta_row == MetaRow::Yes
                    || (s.paging == Paging::Cursor && s.cursor_form == CursorForm::StartingAfter))
        },
        |s| s.envelope = Envelope::Items,
    ),
    rule(
        "rows of metadata stand in bare or plainly wrapped arrays: meta-row=yes needs envelope=bare or data",
        |s| s.meta_row == MetaRow::Yes && !matches!(s.envelope, Envelope::Bare | Envelope::Data),
        |s| s.meta_row = MetaRow::No,
    ),
    rule(
        "rows after an id need ids that grow: paging=keyset needs ids=int, big or text, and order=id",
        |s| s.paging == Paging::Keyset && !(matches!(s.ids, Ids::Int | Ids::Big | Ids::Text) && s.order == Order::IdUp),
        |s| {
            if !matches!(s.ids, Ids::Int | Ids::Big | Ids::Text) {
                s.ids = Ids::Int;
            }
            s.order = Order::IdUp;
        },
    ),
    rule(
        "links as text are another form of numbers: links=text needs ids=int or big",
        |s| s.links == Links::Text && !matches!(s.ids, Ids::Int | Ids::Big),
        |s| s.links = Links::Ids,
    ),
    rule(
        "without pages nothing is wrong with them: paging=none needs paging-flaw=none and mixed=no",
        |s| s.paging == Paging::None && (s.paging_flaw != PagingFlaw::None || s.mixed == Mixed::Yes),
        |s| (s.paging_flaw, s.mixed) = (PagingFlaw::None, Mixed::No),
    ),
    rule(
        "paging-flaw=loop is for cursors and next addresses, offset-is-page for paging=offset, count-is-last for totals of rows",
        |s| match s.paging_flaw {
            PagingFlaw::Loop => !matches!(s.paging, Paging::Cursor | Paging::NextUrl | Paging::Link),
            PagingFlaw::OffsetIsPage => s.paging != Paging::Offset,
            PagingFlaw::CountIsLast => matches!(s.total, Total::None | Total::HasMore | Total::TotalPages),
            PagingFlaw::Ignored | PagingFlaw::None => false,
        },
        |s| s.paging_flaw = PagingFlaw::None,
    ),
    rule(
        "a filter by a time needs the time: stamp=none needs delta=none",
        |s| s.stamp == Stamp::None && s.delta != Delta::None,
        |s| s.delta = Delta::None,
    ),
    rule(
        "graves come in lists of changes: deleted=grave needs REST or RPC and a filter by time that works",
        |s| {
            s.deleted == Deleted::Grave
                && (s.delta == Delta::None || s.delta_flaw == DeltaFlaw::Ignored || has_own_lists(s))
        },
        |s| s.deleted = Deleted::Vanish,
    ),
    rule(
        "deleted=endpoint, include_deleted and archived are paths and parameters of REST and RPC, as are deleted-only and \
         endpoint-ids",
        |s| {
            has_own_lists(s)
                && matches!(
                    s.deleted,
                    Deleted::Endpoint | Deleted::IncludeDeleted | Deleted::Archived | Deleted::Only | Deleted::Ids
                )
        },
        |s| s.deleted = Deleted::Flag,
    ),
    rule(
        "hidden=test-orders is a parameter of REST and RPC, as are archived and inactive",
        |s| has_own_lists(s) && s.hidden != Hidden::None,
        |s| s.hidden = Hidden::None,
    ),
    rule(
        "one parameter and one column cannot tell two things: hidden=archived goes without deleted=archived, and inactive \
         without trashed",
        |s| match s.hidden {
            Hidden::Archived => s.deleted == Deleted::Archived,
            Hidden::Inactive => s.deleted == Deleted::Trashed,
            Hidden::None | Hidden::TestOrders => false,
        },
        |s| s.hidden = Hidden::None,
    ),
    rule(
        "a path of its own for searches needs REST: delta=search-path",
        |s| s.delta == Delta::SearchPath && !matches!(s.protocol, Protocol::Rest | Protocol::Xml),
        |s| s.delta = Delta::UpdatedAfter,
    ),
    rule(
        "auth=body needs reads by POST",
        |s| s.auth == Auth::Body && !is_post(s) && s.protocol != Protocol::Soap,
        |s| s.auth = Auth::Bearer,
    ),
    rule(
        "a second secret stands beside a key, a bearer token or Basic",
        |s| {
            let is_lone = matches!(s.auth, Auth::TwoStep | Auth::OauthClient | Auth::OauthRefresh | Auth::Body);
            s.second != Second::None && is_lone
        },
        |s| s.second = Second::None,
    ),
    rule(
        "an application of one page answers every path, so the API lies below one: site=spa needs a base",
        |s| s.site == Site::Spa && s.base == Base::Root,
        |s| s.site = Site::Page,
    ),
    rule(
        "`user` and `account` are lists where paths are singular: identity=user and account need other paths",
        |s| s.paths == PathStyle::Singular && matches!(s.identity, Identity::User | Identity::Account),
        |s| s.identity = Identity::Me,
    ),
    rule(
        "options by id need definitions that name them: options=ids needs REST or RPC and definitions",
        |s| s.options == Options::Ids && (s.definitions == Definitions::None || has_own_lists(s)),
        |s| s.options = Options::Labels,
    ),
    rule(
        "an error without words cannot say when to come again: limits=200-body and words need errors with words",
        |s| {
            let is_mute = matches!(s.errors, Errors::False | Errors::NoContent | Errors::EmptyBody | Errors::Html);
            is_mute && matches!(s.limits, Limits::Body | Limits::Words)
        },
        |s| s.limits = Limits::RetryAfter,
    ),
];

/// Why SOAP and what its schema must be able to declare cannot have this.
const SOAP_WHY: &str = "protocol=soap declares names and types: it goes with version=path, docs=none, paths=plural, names of \
                        parameters without signs, paging=page, offset, cursor, keyset or none, a total in the body, \
                        nulls=null or missing, deleted rows that need no parameter, and without log-ins";

fn cannot_be_soap(s: &Shape) -> bool {
    let is_named_with_signs = matches!(s.page_param, PageParam::Number | PageParam::Page2)
        || matches!(s.offset_param, OffsetParam::DollarSkip | OffsetParam::PgOffset)
        || matches!(s.size_param, SizeParam::Top | SizeParam::PageSizeBracket | SizeParam::PgLimit)
        || s.delta.text().contains('[')
        || matches!(s.delta, Delta::Header | Delta::Expression | Delta::SearchPath);
    let has_no_type = s.spelling == Spelling::Title
        || matches!(s.money, Money::Both | Money::Object)
        || s.text == Text::Nul
        || matches!(s.custom, Custom::Hashed | Custom::Typed | Custom::Fields | Custom::Expand)
        || !matches!(s.nulls, Nulls::Null | Nulls::Missing);
    let is_elsewhere = s.version != VersionHeader::Path
        || s.docs != Docs::None
        || s.paths != PathStyle::Plural
        || matches!(s.paging, Paging::NextUrl | Paging::Link)
        || matches!(s.envelope, Envelope::Keyed)
        || s.meta_row == MetaRow::Yes
        || matches!(s.total, Total::Header | Total::OnRequest)
        || matches!(s.deleted, Deleted::Endpoint | Deleted::IncludeDeleted | Deleted::Archived)
        || s.hidden != Hidden::None
        || s.definitions != Definitions::None
        || matches!(s.auth, Auth::TwoStep | Auth::OauthClient | Auth::OauthRefresh);
    s.protocol == Protocol::Soap && (is_named_with_signs || has_no_type || is_elsewhere)
}

/// Makes whole what a draw put together.
pub(super) fn settle(shape: &mut Shape) {
    for rule in RULES {
        if (rule.broken)(shape) {
            (rule.mend)(shape);
        }
    }
}

/// Why a shape cannot be; `None` if it can.
pub(super) fn broken(shape: &Shape) -> Option<&'static str> {
    RULES.iter().find(|rule| (rule.broken)(shape)).map(|rule| rule.why)
}

fn is_odata(shape: &Shape) -> bool {
    matches!(shape.protocol, Protocol::Odata4 | Protocol::Odata2)
}

/// Where lists have pages, envelopes and filters of the protocol's own; what a shape says of these is not used there.
pub(super) fn has_own_lists(shape: &Shape) -> bool {
    is_odata(shape) || matches!(shape.protocol, Protocol::Graphql | Protocol::Sql)
}

fn has_schema(shape: &Shape) -> bool {
    is_odata(shape) || shape.protocol == Protocol::Graphql
}

fn is_post(shape: &Shape) -> bool {
    matches!(shape.protocol, Protocol::Rpc | Protocol::RpcSingle)
}

fn is_bare(shape: &Shape) -> bool {
    shape.envelope == Envelope::Bare && !has_own_lists(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_contradicts_nothing() {
        for seed in 0..5_000 {
            let shape = Shape::draw(seed);
            assert_eq!(broken(&shape), None, "seed {seed}: {shape}");
        }
    }
}
