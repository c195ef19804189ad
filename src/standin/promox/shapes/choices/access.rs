//! Where the API is and who is let in: hosts, base paths, discovery documents, authentication (sections 1, 2 and 15).

use super::super::dimension::dimension;

dimension! {
    /// How calls are made (section 15).
    Protocol "protocol" {
        /// Plain REST.
        Rest = "rest" 78,
        /// OData v4: `value`, `@odata.nextLink`, `$metadata`.
        Odata4 = "odata4" 5,
        /// OData v2: `d.results`, `d.__next`, dates as `/Date(ms)/`.
        Odata2 = "odata2" 2,
        /// GraphQL with connections.
        Graphql = "graphql" 5,
        /// Every read is a POST to a path with a verb: `POST /clients/list`.
        Rpc = "rpc" 4,
        /// Every read is a POST to one path, and the body names the service.
        RpcSingle = "rpc-single" 2,
        /// SQL-like query strings: `query?query=select * from clients limit 0,100;`.
        Sql = "sql" 2,
        /// XML from every path.
        Xml = "xml" 2,
        /// SOAP 1.1, described by a WSDL: one path, and the envelope names the operation.
        Soap = "soap" 0,
    }
}

dimension! {
    /// How a service of SOAP describes itself; others do not.
    Wsdl "wsdl" {
        /// In one document.
        Whole = "whole" 100,
        /// With its types in a document of their own, which the first one imports.
        Split = "split" 0,
    }
}

dimension! {
    /// Where below the host the API lies (section 1).
    Base "base" {
        /// `/api/v1`.
        ApiV1 = "api-v1" 30,
        /// `/api/v2`.
        ApiV2 = "api-v2" 8,
        /// `/api`.
        Api = "api" 14,
        /// `/v1`.
        V1 = "v1" 25,
        /// At the root.
        Root = "root" 13,
        /// `/rest`.
        Rest = "rest" 5,
        /// `/rest/v1`.
        RestV1 = "rest-v1" 5,
    }
}

dimension! {
    /// Which `Host` the API answers to (section 1). Addresses of this machine have no names, so a draw takes any.
    Host "host" {
        /// Whatever it is called.
        Any = "any" 100,
        /// Hosts that begin with `api.`.
        Api = "api" 0,
        /// The customer's subdomain, `larkspur.`.
        Tenant = "tenant" 0,
    }
}

dimension! {
    /// Whether the version must be named in a header.
    VersionHeader "version" {
        /// The path says it, or nothing does.
        Path = "path" 97,
        /// `api-version: 2020-01-31` on every call, else 400 with that text.
        Header = "header" 3,
    }
}

dimension! {
    /// What lies outside of the API's own paths.
    Site "site" {
        /// 404.
        Missing = "missing" 50,
        /// A page for people with status 404.
        Page = "page" 25,
        /// An application of one page: every path gives HTML with status 200.
        Spa = "spa" 25,
    }
}

dimension! {
    /// Which description of itself the API gives away (section 1).
    Docs "docs" {
        /// None.
        None = "none" 65,
        /// `/openapi.json`.
        Openapi = "openapi" 12,
        /// `/swagger.json`.
        Swagger = "swagger" 5,
        /// `/swagger/v1/swagger.json`.
        SwaggerV1 = "swagger-v1" 5,
        /// `/api-docs`.
        ApiDocs = "api-docs" 4,
        /// `/.well-known/api-catalog`, which names the address of the description.
        WellKnown = "well-known" 9,
    }
}

dimension! {
    /// Who is let in (sections 2 and 17).
    Auth "auth" {
        /// `Authorization: Bearer TOKEN`.
        Bearer = "bearer" 35,
        /// `x-api-key: KEY`.
        ApiKey = "x-api-key" 15,
        /// Basic, in one of the forms of [`BasicForm`].
        Basic = "basic" 10,
        /// A key in the query, by the name of [`QueryKey`].
        Query = "query" 8,
        /// A log-in that returns a session, in the forms of [`Login`], [`SessionAt`] and [`SessionUse`].
        TwoStep = "two-step" 12,
        /// OAuth client credentials.
        OauthClient = "oauth-client" 8,
        /// OAuth with a refresh token that is there already.
        OauthRefresh = "oauth-refresh" 8,
        /// A key where few look for it, by [`OddHeader`].
        Odd = "odd" 4,
        /// Credentials in the body of each call; only where reads are POSTs. With SOAP `id` and `password`.
        Body = "body" 0,
    }
}

dimension! {
    /// Where an odd key goes.
    OddHeader "odd-header" {
        /// `Authorization: KEY`.
        Raw = "raw" 14,
        /// `Authorization: Token KEY`.
        Token = "token" 8,
        /// `Authorization: Token token=KEY`.
        TokenToken = "token-token" 4,
        /// `Authorization: Key KEY`.
        Key = "key" 2,
        /// `Authorization: AccessKey KEY`.
        AccessKey = "access-key" 1,
        /// `api-key: KEY`.
        ApiKey = "api-key" 8,
        /// `apikey: KEY`.
        Apikey = "apikey" 3,
        /// `api_token: KEY`.
        ApiToken = "api-token" 2,
        /// `x-api-token: KEY`.
        XApiToken = "x-api-token" 2,
        /// `private-token: KEY`.
        PrivateToken = "private-token" 2,
        /// `x-pw-accesstoken: KEY`.
        XPwAccesstoken = "x-pw-accesstoken" 1,
        /// A cookie `api_key`.
        Cookie = "cookie" 1,
    }
}

dimension! {
    /// Name of a key in the query.
    QueryKey "query-key" {
        /// `api_key`.
        ApiUnderKey = "api_key" 35,
        /// `key`.
        Key = "key" 40,
        /// `apikey`.
        Apikey = "apikey" 10,
        /// `apiKey`.
        ApiKeyCamel = "apiKey" 5,
        /// `api-key`.
        ApiDashKey = "api-key" 5,
        /// `token`.
        Token = "token" 5,
        /// `login` and `password`, both in the query.
        LoginPassword = "login-password" 0,
    }
}

dimension! {
    /// What stands in a Basic value.
    BasicForm "basic-form" {
        /// User and password.
        UserPassword = "user-password" 50,
        /// The key as the user, with an empty password.
        KeyAsUser = "key-as-user" 25,
        /// User and key.
        UserKey = "user-key" 15,
        /// `KEY:USER:PASSWORD` in one value.
        Packed = "packed" 10,
    }
}

dimension! {
    /// A second secret beside the first (section 2).
    Second "second" {
        /// None.
        None = "none" 88,
        /// `x-user-email`.
        Email = "email" 4,
        /// `app_key` in the query.
        AppKey = "app-key" 3,
        /// `x-company` and `x-api-secret`.
        TwoHeaders = "two-headers" 2,
        /// `x-client-id` and `x-client-secret`.
        ClientPair = "client-pair" 3,
    }
}

dimension! {
    /// How one logs in for a session.
    Login "login" {
        /// `POST login` with user name and password as JSON.
        Json = "json" 70,
        /// `POST auth` with a form.
        Form = "form" 15,
        /// `GET login` with Basic.
        Basic = "basic" 15,
    }
}

dimension! {
    /// Where the session stands in the log-in's answer.
    SessionAt "session-at" {
        /// `access_token`.
        AccessToken = "access_token" 60,
        /// `token`.
        Token = "token" 10,
        /// `sessionId`.
        SessionId = "sessionId" 8,
        /// `jwt`.
        Jwt = "jwt" 5,
        /// `data.accessToken`.
        Data = "data.accessToken" 5,
        /// `tokens.access.token`.
        Tokens = "tokens.access.token" 4,
        /// `SessionId`.
        SessionIdPascal = "SessionId" 4,
        /// `response.api.sessionid`.
        Response = "response.api.sessionid" 4,
    }
}

dimension! {
    /// How a session is shown.
    SessionUse "session-use" {
        /// As a bearer token.
        Bearer = "bearer" 65,
        /// As the whole `Authorization`.
        Raw = "raw" 12,
        /// As the cookie `JSESSIONID`, which the log-in sets.
        Cookie = "cookie" 13,
        /// As `sessionName` in the query.
        Query = "query" 10,
    }
}

dimension! {
    /// How long a session or access token lives.
    Lifetime "lifetime" {
        /// An hour.
        Hour = "hour" 60,
        /// Five minutes.
        FiveMinutes = "5m" 20,
        /// A day.
        Day = "day" 20,
    }
}

dimension! {
    /// Whether a refused stranger is told the scheme.
    Challenge "www-authenticate" {
        /// Yes, where HTTP has a name for it.
        Told = "told" 45,
        /// No.
        Silent = "silent" 55,
    }
}

dimension! {
    /// The cheap path that says whose credentials these are.
    Identity "identity" {
        /// `me`.
        Me = "me" 29,
        /// `users/me`.
        UsersMe = "users-me" 15,
        /// `account`.
        Account = "account" 14,
        /// `ping`.
        Ping = "ping" 10,
        /// `whoami`.
        Whoami = "whoami" 6,
        /// `user`.
        User = "user" 5,
        /// None.
        None = "none" 21,
    }
}
