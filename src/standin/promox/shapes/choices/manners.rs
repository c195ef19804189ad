//! How the API behaves over time: changes, deletions, files, limits, errors (sections 5, 6, 8, 9 and 14).

use super::super::dimension::dimension;

dimension! {
    /// How one asks for what changed (section 5).
    Delta "delta" {
        /// `updated_since`.
        UpdatedSince = "updated_since" 9,
        /// Not at all.
        None = "none" 33,
        /// `updated_after`.
        UpdatedAfter = "updated_after" 12,
        /// `changedSince`.
        ChangedSince = "changedSince" 8,
        /// `since`.
        Since = "since" 8,
        /// `modified_after`.
        ModifiedAfter = "modified_after" 4,
        /// `updated_at_min`.
        UpdatedAtMin = "updated_at_min" 2,
        /// `date_updated__gt`.
        DateUpdatedGt = "date_updated__gt" 3,
        /// `updated_at[after]`.
        UpdatedAtAfter = "updated_at[after]" 3,
        /// `filters[updated_after]`.
        Filters = "filters[updated_after]" 2,
        /// `search[updated_since]`.
        Search = "search[updated_since]" 2,
        /// `conditions[modified][from_date]`.
        Conditions = "conditions[modified][from_date]" 2,
        /// `If-Modified-Since`.
        Header = "if-modified-since" 4,
        /// `filter=updated_at gt …`.
        Expression = "expression" 5,
        /// `updated_after_utc` on `clients/search` only, as `YYYY-MM-DD HH:MM:SS`.
        SearchPath = "search-path" 3,
    }
}

dimension! {
    /// The zone in which a filter without a zone is read.
    DeltaZone "delta-zone" {
        /// UTC.
        Utc = "utc" 75,
        /// The account's, even where the filter says `Z`.
        Account = "account" 25,
    }
}

dimension! {
    /// How finely a filter cuts.
    DeltaGrain "delta-grain" {
        /// By the second.
        Second = "second" 88,
        /// By the day: what comes after the date is not read.
        Day = "day" 12,
    }
}

dimension! {
    /// Whether the filter's own moment belongs to the answer.
    DeltaEdge "delta-edge" {
        /// Yes.
        Inclusive = "inclusive" 60,
        /// No.
        Exclusive = "exclusive" 40,
    }
}

dimension! {
    /// What is wrong with the filter.
    DeltaFlaw "delta-flaw" {
        /// Nothing.
        None = "none" 84,
        /// It is ignored, silently.
        Ignored = "ignored" 9,
        /// Changes show up minutes later, with their earlier stamp.
        Lag = "lag" 7,
    }
}

dimension! {
    /// Which objects have a time of their last change.
    Stamp "stamp" {
        /// All.
        All = "all" 75,
        /// All but users and pipelines.
        Some = "some" 20,
        /// None.
        None = "none" 5,
    }
}

dimension! {
    /// Name of that time, before it is spelled.
    StampName "stamp-name" {
        /// `updated_at`.
        UpdatedAt = "updated_at" 65,
        /// `date_updated`.
        DateUpdated = "date_updated" 9,
        /// `updated`.
        Updated = "updated" 7,
        /// `modified_time`.
        ModifiedTime = "modified_time" 7,
        /// `last_updated`.
        LastUpdated = "last_updated" 7,
        /// `last_modified_date_time`.
        LastModified = "last_modified_date_time" 5,
    }
}

dimension! {
    /// What becomes of a deleted row (section 8).
    Deleted "deleted" {
        /// It vanishes.
        Vanish = "vanish" 45,
        /// It stays, with `is_deleted`.
        Flag = "flag" 14,
        /// It stays, with `deleted_at`.
        Stamp = "timestamp" 12,
        /// It stays, with `record_status: "Trashed"`.
        Trashed = "trashed" 7,
        /// It is listed at `clients/deleted`.
        Endpoint = "endpoint" 7,
        /// It is listed with `include_deleted=true`, and carries `is_deleted`.
        IncludeDeleted = "include_deleted" 6,
        /// It is listed with `archived=true`, and carries `archived`.
        Archived = "archived" 5,
        /// It stays, with `is_delete`: 1 for live rows, 0 for deleted ones.
        Inverted = "inverted" 2,
        /// It comes in lists of changes only, as id, `is_deleted` and time.
        Grave = "grave" 2,
        /// `deleted=true` lists the deleted rows and no others.
        Only = "deleted-only" 0,
        /// `deleted` lists the id and the time of each deleted row, as `clients/deleted`.
        Ids = "endpoint-ids" 0,
    }
}

dimension! {
    /// The answer to a read of a deleted record.
    Gone "gone" {
        /// 404.
        Missing = "404" 75,
        /// 410.
        Gone = "410" 25,
    }
}

dimension! {
    /// Rows that are left out unless asked for.
    Hidden "hidden" {
        /// None.
        None = "none" 94,
        /// Test orders, unless `include_test=1`.
        TestOrders = "test-orders" 6,
        /// Archived clients and projects, unless `archived=true`; rows say `archived`. They are there as before.
        Archived = "archived" 0,
        /// Inactive clients and projects, unless `status=all`; rows say `record_status`.
        Inactive = "inactive" 0,
    }
}

dimension! {
    /// How files are given (section 9).
    Files "files" {
        /// There is no list of files.
        None = "none" 28,
        /// By an address that wants the API's credentials.
        Token = "token" 16,
        /// By an address that wants the cookie of a session; anybody else gets a page to log in, with status 200.
        Cookie = "cookie" 3,
        /// By a signed address that lives ten minutes and refuses an `Authorization`.
        Signed = "signed" 15,
        /// By a redirect to another host.
        Redirect = "redirect" 10,
        /// As base64 in the record.
        Base64 = "base64" 7,
        /// At `files/ID/content`.
        Content = "content" 12,
        /// By a job: POST, ask, fetch.
        Job = "job" 2,
        /// By a page that lists several files; fetching one marks it as downloaded.
        Landing = "landing" 2,
        /// By name only.
        NameOnly = "name-only" 5,
        /// By a page for people that lists several files and marks nothing.
        Page = "page" 0,
        /// By an address that only a browser's session opens; anybody else gets a page to log in, with status 200.
        Browser = "browser" 0,
    }
}

dimension! {
    /// How too many requests are answered (sections 6 and 17).
    Limits "limits" {
        /// 429 without a hint.
        Silent = "silent" 40,
        /// 429 with `Retry-After` in seconds.
        RetryAfter = "retry-after" 25,
        /// 429 with `Retry-After` as a date.
        RetryDate = "retry-date" 5,
        /// `X-RateLimit-*` on every answer, in the form of [`Reset`], and 429.
        Headers = "x-ratelimit" 15,
        /// 503.
        Unavailable = "503" 8,
        /// 200 with an error in the body.
        Body = "200-body" 7,
        /// 403.
        Forbidden = "403" 0,
        /// 400.
        BadRequest = "400" 0,
        /// 429 with the time in the error's text only.
        Words = "words" 0,
    }
}

dimension! {
    /// The form and name of the reset.
    Reset "reset" {
        /// `x-ratelimit-reset` in seconds since 1970.
        Epoch = "epoch" 45,
        /// `x-ratelimit-reset` in seconds from now.
        Seconds = "seconds" 18,
        /// `x-ratelimit-reset` in milliseconds since 1970.
        EpochMs = "epoch-ms" 8,
        /// `x-ratelimit-reset` as an ISO date.
        Iso = "iso" 6,
        /// `x-ratelimit-reset` as an HTTP date.
        HttpDate = "http-date" 4,
        /// `x-rate-limit-reset` in seconds since 1970.
        Dashed = "x-rate-limit-reset" 10,
        /// `ratelimit-reset` in seconds from now.
        Plain = "ratelimit-reset" 6,
        /// `x-promox-quota-resets-in` in seconds.
        Vendor = "vendor" 3,
    }
}

dimension! {
    /// What is limited.
    Window "window" {
        /// 120 requests a minute.
        Minute = "120/min" 45,
        /// 5 requests a second.
        Second = "5/s" 17,
        /// 30 requests a minute.
        Slow = "30/min" 10,
        /// 2,000 requests a day.
        Day = "2000/day" 5,
        /// 2 requests at once.
        Concurrent = "2-at-once" 5,
        /// Nothing is refused: from the 60th request of a minute on, answers take seconds.
        SlowDown = "slow-down" 5,
        /// 1,000 metered reads a month, told in `x-credits-remaining`; then access is off, with 403.
        Credits = "credits" 2,
        /// Nothing.
        None = "none" 11,
    }
}

dimension! {
    /// How errors are written (sections 14 and 17).
    Errors "errors" {
        /// `{"error": {"code", "message"}}`.
        Object = "object" 22,
        /// `{"error": "…"}`.
        Text = "text" 16,
        /// `{"errors": [{"message"}]}`.
        List = "list" 12,
        /// `{"message": "…"}`.
        Message = "message" 12,
        /// `application/problem+json`.
        Problem = "problem" 8,
        /// `{"success": false, "message"}` with status 200.
        Success = "success-false" 8,
        /// `{"success": "0", "data": {"success": "0", "message"}}` with status 200.
        SuccessText = "success-0" 4,
        /// `{"ok": false, "errNum", "errMsg"}` with status 200.
        Ok = "ok-false" 4,
        /// `false` with status 200.
        False = "false" 2,
        /// An empty 204.
        NoContent = "204" 2,
        /// A page for people with the right status.
        Html = "html" 8,
        /// An empty body with the right status.
        EmptyBody = "empty" 2,
    }
}

dimension! {
    /// What becomes of parameters that the API does not know.
    Unknown "unknown" {
        /// They are ignored.
        Ignored = "ignored" 88,
        /// They are refused.
        Refused = "refused" 12,
    }
}

dimension! {
    /// What a known caller is told of a path or verb that is not there.
    Absent "absent" {
        /// That it is not there: 404.
        Missing = "404" 100,
        /// That it is not for them: 403.
        Forbidden = "403" 0,
    }
}
