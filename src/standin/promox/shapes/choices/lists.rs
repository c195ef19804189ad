//! How lists are cut into pages and wrapped (sections 3 and 4).

use super::super::dimension::dimension;

dimension! {
    /// How one gets beyond the first rows (section 17).
    Paging "paging" {
        /// A page number.
        Page = "page" 25,
        /// Rows to skip.
        Offset = "offset" 22,
        /// A cursor in the body, by [`CursorForm`].
        Cursor = "cursor" 20,
        /// The next address in the body, by [`NextForm`].
        NextUrl = "next-url" 10,
        /// The next address in a `Link` header.
        Link = "link" 6,
        /// Rows after an id, by [`KeysetParam`].
        Keyset = "keyset" 4,
        /// Not at all: everything at once, or as much as [`Cap`] allows.
        None = "none" 13,
    }
}

dimension! {
    /// Name of the page number.
    PageParam "page-param" {
        /// `page`.
        Page = "page" 85,
        /// `page[number]`.
        Number = "page[number]" 5,
        /// `page[page]`.
        Page2 = "page[page]" 3,
        /// `pageNumber`.
        PageNumber = "pageNumber" 7,
    }
}

dimension! {
    /// Number of the first page.
    PageBase "page-base" {
        /// 1.
        One = "1" 88,
        /// 0.
        Zero = "0" 12,
    }
}

dimension! {
    /// Name of the rows to skip.
    OffsetParam "offset-param" {
        /// `offset`.
        Offset = "offset" 55,
        /// `$skip`.
        DollarSkip = "$skip" 8,
        /// `pg[offset]`.
        PgOffset = "pg[offset]" 6,
        /// `from`.
        From = "from" 6,
        /// `_skip`.
        UnderSkip = "_skip" 4,
        /// `start`.
        Start = "start" 9,
        /// `skip`.
        Skip = "skip" 9,
        /// `startPosition`.
        StartPosition = "startPosition" 3,
    }
}

dimension! {
    /// Name of the page's size.
    SizeParam "size-param" {
        /// `limit`.
        Limit = "limit" 40,
        /// `per_page`.
        PerPage = "per_page" 20,
        /// `page_size`.
        PageSize = "page_size" 9,
        /// `pageSize`.
        PageSizeCamel = "pageSize" 6,
        /// `perPage`.
        PerPageCamel = "perPage" 3,
        /// `$top`.
        Top = "$top" 4,
        /// `count`.
        Count = "count" 5,
        /// `take`.
        Take = "take" 2,
        /// `maxResults`.
        MaxResults = "maxResults" 2,
        /// `page[size]`.
        PageSizeBracket = "page[size]" 2,
        /// `pg[limit]`.
        PgLimit = "pg[limit]" 2,
        /// None: a page is as large as it is.
        None = "none" 5,
    }
}

dimension! {
    /// Rows of a page when the request does not say.
    PageDefault "page-default" {
        /// 25.
        P25 = "25" 30,
        /// 20.
        P20 = "20" 15,
        /// 50.
        P50 = "50" 25,
        /// 100.
        P100 = "100" 30,
    }
}

dimension! {
    /// The most rows of a page.
    PageMax "page-max" {
        /// 100.
        M100 = "100" 45,
        /// 200.
        M200 = "200" 25,
        /// 500.
        M500 = "500" 20,
        /// 50.
        M50 = "50" 10,
    }
}

dimension! {
    /// What becomes of a size beyond the most.
    Oversize "oversize" {
        /// Clamped, silently.
        Clamped = "clamped" 80,
        /// Refused.
        Refused = "refused" 20,
    }
}

dimension! {
    /// A page beyond the last.
    PastEnd "past-end" {
        /// Empty.
        Empty = "empty" 70,
        /// 404.
        Missing = "404" 12,
        /// The last page again.
        Repeat = "repeat" 10,
        /// 400.
        Refused = "400" 8,
    }
}

dimension! {
    /// How a cursor is sent and where the next one stands.
    CursorForm "cursor-form" {
        /// `cursor` from `next_cursor`.
        NextCursor = "next_cursor" 31,
        /// `bookmark` from `bookmark`.
        Bookmark = "bookmark" 12,
        /// `pageToken` from `nextPageToken`.
        PageToken = "nextPageToken" 15,
        /// `starting_after` with the last id, while `has_more`.
        StartingAfter = "starting_after" 12,
        /// `after` from `paging.next.after`.
        PagingNextAfter = "paging.next.after" 10,
        /// `offset` from `next_offset`, a number of rows.
        NextOffset = "next_offset" 10,
        /// `offset` from `next_page.offset`, a number of rows.
        NextPageOffset = "next_page.offset" 5,
        /// `offset` from `next`, a number of rows.
        Next = "next" 5,
    }
}

dimension! {
    /// Where the next address stands in the body.
    NextForm "next-form" {
        /// `links.next`.
        LinksNext = "links.next" 35,
        /// `next`.
        Next = "next" 30,
        /// `paging.next`.
        PagingNext = "paging.next" 18,
        /// `next_page_uri`.
        NextPageUri = "next_page_uri" 12,
        /// `nextRecordsUrl`, without host.
        NextRecordsUrl = "nextRecordsUrl" 5,
    }
}

dimension! {
    /// Name of the id that rows come after.
    KeysetParam "keyset-param" {
        /// `since_id`.
        SinceId = "since_id" 60,
        /// `changed_object_id__gt`.
        IdGreater = "changed_object_id__gt" 20,
        /// `max_id`: rows come newest first, and before this id.
        MaxId = "max_id" 20,
    }
}

dimension! {
    /// The most rows that a walk reaches, whatever there is beyond.
    Cap "cap" {
        /// None.
        None = "none" 88,
        /// 100; the next page vanishes.
        C100 = "100" 3,
        /// 250.
        C250 = "250" 2,
        /// 1,000.
        C1000 = "1000" 3,
        /// 100,000.
        C100000 = "100000" 4,
        /// 40, a number at which few sources cut.
        C40 = "40" 0,
    }
}

dimension! {
    /// What is wrong with the paging (section 3, failure modes).
    PagingFlaw "paging-flaw" {
        /// Nothing.
        None = "none" 89,
        /// Page, offset or cursor is ignored: always the first rows.
        Ignored = "ignored" 3,
        /// The last page's cursor or address leads back to the first page.
        Loop = "loop" 3,
        /// The "offset" counts pages.
        OffsetIsPage = "offset-is-page" 2,
        /// The total is the position of the page's last row.
        CountIsLast = "count-is-last" 3,
    }
}

dimension! {
    /// Whether all lists turn pages in the same way.
    Mixed "mixed" {
        /// Yes.
        No = "no" 92,
        /// Notes and users have pages by number, the rest as the shape says.
        Yes = "yes" 8,
    }
}

dimension! {
    /// The order of rows that nobody asked to sort.
    Order "order" {
        /// Oldest id first.
        IdUp = "id" 65,
        /// Newest id first.
        IdDown = "id-desc" 18,
        /// Latest change first: rows move while somebody edits.
        UpdatedDown = "updated-desc" 12,
        /// By name: new rows come anywhere.
        Name = "name" 5,
    }
}

dimension! {
    /// How one asks for an order.
    SortParam "sort" {
        /// Not at all.
        None = "none" 50,
        /// `sort=id`, `sort=-updated_at`.
        Sort = "sort" 25,
        /// `sort_by=id`, `sort_order=desc`.
        SortBy = "sort_by" 15,
        /// `orderBy=id desc`.
        OrderBy = "orderBy" 10,
    }
}

dimension! {
    /// What the rows are wrapped in (section 17).
    Envelope "envelope" {
        /// `data`.
        Data = "data" 20,
        /// Nothing: a bare array.
        Bare = "bare" 25,
        /// The name of the resource: `clients`.
        Resource = "resource" 20,
        /// `items`.
        Items = "items" 8,
        /// `results`.
        Results = "results" 8,
        /// Something within something, by [`Nesting`].
        Nested = "nested" 12,
        /// An object keyed by id instead of an array.
        Keyed = "keyed" 7,
    }
}

dimension! {
    /// The path of a nested envelope.
    Nesting "nesting" {
        /// `data.list`.
        DataList = "data.list" 30,
        /// `_embedded.items`.
        Embedded = "_embedded.items" 30,
        /// `result.` and the resource.
        Result = "result.resource" 20,
        /// `response.docs`.
        Docs = "response.docs" 20,
    }
}

dimension! {
    /// How a single record comes.
    Single "single" {
        /// Wrapped like lists, where lists are wrapped.
        Wrapped = "wrapped" 45,
        /// Not wrapped.
        Bare = "bare" 45,
        /// As a list of one.
        List = "list" 10,
    }
}

dimension! {
    /// What an empty list is.
    Empty "empty" {
        /// `[]`, or `{}` where rows are keyed.
        List = "list" 85,
        /// `null`.
        Null = "null" 15,
    }
}

dimension! {
    /// Whether the first row of an array describes the list instead of a record.
    MetaRow "meta-row" {
        /// No.
        No = "no" 97,
        /// Yes.
        Yes = "yes" 3,
    }
}

dimension! {
    /// Where the number of all rows stands.
    Total "total" {
        /// `total`.
        Total = "total" 17,
        /// Nowhere.
        None = "none" 30,
        /// `total_count`.
        TotalCount = "total_count" 12,
        /// `count`.
        Count = "count" 8,
        /// `totalCount`.
        TotalCountCamel = "totalCount" 5,
        /// `meta.total`.
        Meta = "meta.total" 8,
        /// `pagination.total`.
        Pagination = "pagination.total" 5,
        /// `totalSize`.
        TotalSize = "totalSize" 3,
        /// `totalPages`: pages, not rows.
        TotalPages = "totalPages" 4,
        /// `has_more`, no number.
        HasMore = "has_more" 4,
        /// The header `x-total-count`.
        Header = "x-total-count" 3,
        /// The header `x-total-count`, only with `count_total=True`.
        OnRequest = "count_total" 1,
    }
}
