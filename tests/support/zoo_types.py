"""Every type of PostgreSQL, as it is spelled with and without a modifier, and values of it that break things.

What a server takes is asked of the server (`zoo.accepted`): values and types that it refuses are left out there, by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

INFINITE: Final = ("infinity", "-infinity")
LETTERS: Final = (
    "",
    " ",
    "a",
    "A",
    "AT",
    "D ",
    " b ",
    "é",
    "ITA",
    "it's",
    '"',
    "\\",
    "\\n",
    "a\nb",
    "%s",
    "{x}",
    "NULL",
)
LONGER: Final = (
    "two words",
    "\t",
    "{}",
    "--",
    "; DROP",
    "ß→€",
    "🎲",
    "e\u0301",
    "\u00a0",
    "$1",
    "\x01",
    "(,)",
    "z" * 3000,
)
RAW: Final = ("\udce9", "caf\udce9 \udcff")  # bytes that are no UTF-8: only a database of SQL_ASCII takes them
DATES: Final = ("2000-02-29", "0001-12-31 BC", "4714-11-24 BC", "5874897-12-31", "1582-10-10", "12024-03-04", *INFINITE)
TIMES: Final = ("00:00:00", "24:00:00", "23:59:59.999999", "12:34:56.123456", "03:04:05.5", "23:59:59.4")
MOMENTS: Final = (
    "2000-02-29 12:34:56.123456", "4714-11-24 00:00:00 BC", "294276-12-31 23:59:59", "0044-03-15 BC 23:59:59.9",
    "1970-01-01 00:00:00", "2024-07-08 03:04:05.987654", "1999-12-31 23:59:59.4", *INFINITE,
)  # fmt: skip
ZONED: Final = (
    "2024-10-27 02:30:00+02", "2024-10-27 02:30:00+01", "1936-05-01 12:00:00+00:19:32", "2024-03-10 02:30:00-08",
    "4714-11-24 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "2000-02-29 12:34:56.123456+05:45", *INFINITE,
)  # fmt: skip
SPANS: Final = (
    "1 year -2 days 03:04:05.678901", "-1 year 2 mons -3 days -04:05:06.7", "0", "1 mon", "30 days", "720:00:00",
    "-178000000 years", "178000000 years", "-1 day +24:00:00", "00:00:00.000001", "P1Y2M3DT4H5M6.789S", "14 mons -1 day",
    *INFINITE,
)  # fmt: skip
FIELDS: Final = (
    "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "YEAR TO MONTH", "DAY TO HOUR", "DAY TO MINUTE",
    "DAY TO SECOND", "HOUR TO MINUTE", "HOUR TO SECOND", "MINUTE TO SECOND", "SECOND(2)", "DAY TO SECOND(3)",
)  # fmt: skip
NUMBERS: Final = (
    "0", "3.33", "3.3333333333333333", "-0.5", "1.10", "12345678.99", "99999", "-1", "1e-10", "0.00012", "1500", "NaN",
    "1e400", "-123456789012345678901234567890.123456789", "1.00", "1", *INFINITE,
)  # fmt: skip
FLOATS: Final = (
    "0", "-0", "NaN", *INFINITE, "0.1", "0.30000000000000004", "1e-45", "5e-324", "1.7976931348623157e308", "3.4028235e38",
    "1e15", "16777217", "0.33333334",
)  # fmt: skip
JSONS: Final = (
    "null", "{}", "[]", '{"b": 1,  "a":2, "b": 3}', '"\\u00e9\\n"', "1.0", "1e2", '{"k": null, "l": [1, "é", {}]}', " [ 1 ] ",
    '"%s {x} \' $1"', "true", '""',
)  # fmt: skip
BITS: Final = ("0", "1", "101", "10101", "000", "1" * 64)
SECONDS: Final = tuple(range(7))


@dataclass(frozen=True)
class Family:
    """A type of the server, by its name in pg_type: how it is spelled in a column, and values to try."""

    base: str
    spelled: Sequence[str]
    values: Sequence[str]


def _precise(name: str, end: str = "") -> list[str]:
    return [f"{name}{end}", *(f"{name}({digits}){end}" for digits in SECONDS)]


FAMILIES: Final = (
    Family("bool", ["boolean"], ["true", "false"]),
    Family("int2", ["smallint"], ["0", "-32768", "32767"]),
    Family("int4", ["integer"], ["0", "-2147483648", "2147483647"]),
    Family("int8", ["bigint"], ["0", "-9223372036854775808", "9223372036854775807", "9007199254740993"]),
    Family("numeric", ["numeric", "numeric(10,2)", "numeric(3,0)", "numeric(5,-3)", "numeric(3,5)", "numeric(1000,500)"],
           [*NUMBERS]),
    Family("float4", ["real"], [one for one in FLOATS if one not in ("5e-324", "1.7976931348623157e308")]),
    Family("float8", ["double precision", "float(24)"], FLOATS),
    Family("money", ["money"], ["0", "12.34", "-92233720368547758.08", "92233720368547758.07", "-1.5"]),
    Family("text", ["text", 'text COLLATE "C"'], [*LETTERS, *LONGER, *RAW]),
    Family("varchar", ["varchar", "varchar(1)", "varchar(5)"], [*LETTERS, *LONGER, *RAW]),
    Family("bpchar", ["bpchar", "char", "char(3)", "char(2)", "character(10)"], [*LETTERS, *LONGER, *RAW]),
    Family("char", ['"char"'], ["", "a", " ", "\\", '"', "'", "{", "\\351"]),
    Family("name", ["name"], ["", "a", "n" * 63, 'we"ird', "Ümlaut", "a b"]),
    Family("bytea", ["bytea"], ["\\x", "\\x00ff5c27", "\\x2068690a", "\\x61", "a\\\\b\\000\\'\\377".replace("\\'", "'")]),
    Family("bit", ["bit", "bit(3)", "bit(5)", "bit(64)"], BITS),
    Family("varbit", ["bit varying", "bit varying(5)"], ["", *BITS]),
    Family("date", ["date"], DATES),
    Family("time", _precise("time"), TIMES),
    Family("timetz", _precise("time", " with time zone"), ["24:00:00-15:59:59", "00:00:00+15:59", "12:34:56.123456+05:45", "03:04:05.6-08"]),
    Family("timestamp", _precise("timestamp"), MOMENTS),
    Family("timestamptz", _precise("timestamp", " with time zone"), ZONED),
    Family("interval", [*_precise("interval"), *(f"interval {one}" for one in FIELDS)], SPANS),
    Family("uuid", ["uuid"], ["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    Family("inet", ["inet"], ["10.0.0.1", "10.0.0.1/8", "::1", "::ffff:1.2.3.4/96", "0.0.0.0/0", "10.0.0.1/32"]),
    Family("cidr", ["cidr"], ["10.0.0.0/8", "10.0.0.1/32", "::/0", "2001:db8::/32"]),
    Family("macaddr", ["macaddr"], ["08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"]),
    Family("macaddr8", ["macaddr8"], ["08:00:2b:01:02:03:04:05", "08:00:2b:ff:fe:01:02:03"]),
    Family("json", ["json"], JSONS),
    Family("jsonb", ["jsonb"], JSONS),
    Family("jsonpath", ["jsonpath"], ["$", "$.a[*] ? (@ > 1)", 'strict $."k {x}"', '$ ? (@ like_regex "^a\\\\b")']),
    Family("xml", ["xml"], ["<a/>", "", " blank ", "only text", '<?xml version="1.0"?><a b="é"> </a>', "<a>'&amp;\n</a>", "<a/><b/>"]),
    Family("tsvector", ["tsvector"], ["", "'a':1A 'fat':2B,4C", "'it''s' '\\\\'", "'b' 'a'"]),
    Family("tsquery", ["tsquery"], ["", "'fat' & ( 'rat' | !'cat' )", "'a':*B <-> 'b'", "'it''s'"]),
    Family("point", ["point"], ["(1,2)", "(NaN,Infinity)", "(-0,1e300)", "(0.1,0.30000000000000004)"]),
    Family("line", ["line"], ["{1,2,3}", "{0,1,-0.1}"]),
    Family("lseg", ["lseg"], ["[(0,0),(1,1)]", "[(0.1,0.2),(-1e300,3)]"]),
    Family("box", ["box"], ["(1,1),(0,0)", "(Infinity,0.1),(-Infinity,-0)"]),
    Family("path", ["path"], ["[(0,0),(1,1)]", "((0,0),(1,0.1),(2,0))"]),
    Family("polygon", ["polygon"], ["((0,0),(1,0),(1,1))", "((0.1,0.30000000000000004))"]),
    Family("circle", ["circle"], ["<(0,0),5>", "<(0.1,-0),Infinity>"]),
    Family("oid", ["oid"], ["0", "4294967295", "1259"]),
    Family("xid", ["xid"], ["0", "3", "4294967295"]),
    Family("xid8", ["xid8"], ["0", "18446744073709551615"]),
    Family("cid", ["cid"], ["0", "4294967295"]),
    Family("tid", ["tid"], ["(0,0)", "(4294967295,65535)"]),
    Family("pg_lsn", ["pg_lsn"], ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"]),
    Family("pg_snapshot", ["pg_snapshot"], ["10:20:10,14,15", "1:1:"]),
    Family("txid_snapshot", ["txid_snapshot"], ["10:20:10,14,15", "1:1:"]),
    Family("regclass", ["regclass"], ["pg_class", "-", "4294967294", "zoo_far.hidden", 'zoo_far."we""ird"']),
    Family("regcollation", ["regcollation"], ['"C"', "-", "4294967294"]),
    Family("regconfig", ["regconfig"], ["english", "simple", "4294967294", "-"]),
    Family("regdictionary", ["regdictionary"], ["simple", "4294967294"]),
    Family("regnamespace", ["regnamespace"], ["pg_catalog", "zoo_far", "4294967294"]),
    Family("regoper", ["regoper"], ["||/", "0", "4294967294"]),
    Family("regoperator", ["regoperator"], ["+(integer,integer)", "0", "-(NONE,integer)"]),
    Family("regproc", ["regproc"], ["now", "-", "4294967294", "zoo_far.once"]),
    Family("regprocedure", ["regprocedure"], ["abs(integer)", "-", "zoo_far.once(text)"]),
    Family("regrole", ["regrole"], ["postgres", "pg_monitor", "4294967294"]),
    Family("regtype", ["regtype"], ["integer", "timestamp with time zone", "-", "zoo_far.mood", "zoo_far.mood[]"]),
    Family("aclitem", ["aclitem"], ["postgres=r*w/postgres", "=r/postgres", "pg_monitor=C/postgres"]),
    Family("refcursor", ["refcursor"], ["", "cursor 1"]),
    Family("int2vector", ["int2vector"], ["", "1 2 -3"]),
    Family("oidvector", ["oidvector"], ["", "1259 4294967295"]),
    Family("int4range", ["int4range"], ["empty", "(,)", "[1,5)", "[3,3]"]),
    Family("int8range", ["int8range"], ["empty", "[,9223372036854775807)"]),
    Family("numrange", ["numrange"], ["empty", "[1.0,1.00]", "(0.1,NaN)", "[1,Infinity]"]),
    Family("daterange", ["daterange"], ["empty", "[2000-02-29,infinity]", "[-infinity,0001-12-31 BC)"]),
    Family("tsrange", ["tsrange"], ["empty", '["0044-03-15 12:00:00 BC","2000-02-29 12:34:56.123456"]', "[-infinity,)"]),
    Family("tstzrange", ["tstzrange"], ["empty", '["2024-10-27 02:30:00+02","2024-10-27 02:30:00+01")', "(,infinity)"]),
    Family("int4multirange", ["int4multirange"], ["{}", "{[1,2),[5,)}"]),
    Family("int8multirange", ["int8multirange"], ["{}", "{(,-1),[5,9)}"]),
    Family("nummultirange", ["nummultirange"], ["{}", "{[1.10,2.5),(3,NaN]}"]),
    Family("datemultirange", ["datemultirange"], ["{}", "{[2000-02-29,2000-03-02),[2024-07-08,infinity)}"]),
    Family("tsmultirange", ["tsmultirange"], ["{}", '{["2000-02-29 00:00:00","2000-03-01 00:00:00.5")}']),
    Family("tstzmultirange", ["tstzmultirange"], ["{}", '{["2024-10-27 02:30:00+02","2024-10-27 02:30:00+01")}']),
)  # fmt: skip

CATALOG_DOMAINS: Final = (
    Family("sql_identifier", ["information_schema.sql_identifier"], ["a", ""]),
    Family("character_data", ["information_schema.character_data"], ["a ", ""]),
    Family("cardinal_number", ["information_schema.cardinal_number"], ["0", "7"]),
    Family("yes_or_no", ["information_schema.yes_or_no"], ["YES", "NO"]),
    Family("time_stamp", ["information_schema.time_stamp"], ["2000-02-29 12:34:56.12+05:45"]),
)

OWN_TYPES: Final = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s', 'with "quotes"', ' blank ', '{x}', 'a,b');
CREATE TYPE pair AS (a int, b char(3), c numeric(10,2), d text[]);
CREATE TYPE nested AS (p pair, m mood, "od""d" timestamptz(0));
CREATE TYPE nothing AS ();
CREATE TYPE textrange AS RANGE (subtype = text);
CREATE TYPE timerange AS RANGE (subtype = time, multirange_type_name = times);
CREATE DOMAIN code AS char(3);
CREATE DOMAIN price AS numeric(10,2) CHECK (VALUE >= 0);
CREATE DOMAIN required AS text NOT NULL;
CREATE DOMAIN numbers AS int[] CHECK (VALUE[1] IS DISTINCT FROM 13);
CREATE DOMAIN codes AS char(3)[];
CREATE DOMAIN country AS code CHECK (VALUE <> 'XXX');
CREATE DOMAIN feeling AS mood DEFAULT 'ok';
CREATE DOMAIN couple AS pair CHECK ((VALUE).a IS DISTINCT FROM 13);
CREATE DOMAIN span AS int4range;
CREATE TABLE typed_row (a int, gone int, b char(3));
ALTER TABLE typed_row DROP COLUMN gone;
"""
OWN: Final = (
    Family("mood", ["mood"], ["sad", "it's", 'with "quotes"', " blank ", "{x}", "a,b"]),
    Family("pair", ["pair"], ['(1,AT,3.33,"{a,NULL,""b c""}")', "(,,,)", '(,"a""b",0.00,{})', '(1,"   ",,)']),
    Family("nested", ["nested"], ['("(1,AT,3.33,)",ok,"2000-02-29 12:34:56+00")', '("(,,,)",,)', "(,,)"]),
    Family("nothing", ["nothing"], ["()"]),
    Family("typed_row", ["typed_row"], ["(1,AT)", "(2,D)", "(,)"]),
    Family("textrange", ["textrange"], ["empty", '["a b",)', '["",""]', '[a,"it\'s ""x"""]']),
    Family("textmultirange", ["textmultirange"], ["{}", '{["a b",c)}']),
    Family("timerange", ["timerange"], ["[00:00:00,24:00:00]", "empty"]),
    Family("times", ["times"], ["{}", "{[00:00:00,12:34:56.123456)}"]),
    Family("code", ["code"], ["AT ", "D", "ITA", ""]),
    Family("price", ["price"], ["3.33", "0.00", "12345678.99"]),
    Family("required", ["required"], ["", "a", "NULL"]),
    Family("numbers", ["numbers"], ["{}", "{1,NULL}", "[0:1]={7,8}", "{{1,2},{3,4}}"]),
    Family("codes", ["codes"], ["{}", '{AT,"D  ",NULL}']),
    Family("country", ["country"], ["AT", "ITA"]),
    Family("feeling", ["feeling"], ["ok", "{x}"]),
    Family("couple", ["couple"], ["(1,AT,3.33,)", "(2,D,0.10,{})", "(,,,)"]),
    Family("span", ["span"], ["[1,5)", "empty"]),
)  # fmt: skip

EXTENSIONS: Final[Mapping[str, Sequence[Family]]] = {
    "citext": [Family("citext", ["citext"], ["a", "A", "é", " b "])],
    "hstore": [Family("hstore", ["hstore"], ["", 'a=>1, b=>NULL, "c d"=>"it\'s \\"x\\""'])],
    "ltree": [
        Family("ltree", ["ltree"], ["", "Top.Science", "a.b.c"]),
        Family("lquery", ["lquery"], ["*.Astro*@", "a.!b{1,2}"]),
        Family("ltxtquery", ["ltxtquery"], ["Europe & !Asia*"]),
    ],
    "cube": [Family("cube", ["cube"], ["(1, 2)", "(0.1, 0.30000000000000004),(3, 4)", "()"])],
    "seg": [Family("seg", ["seg"], ["1.50 .. 2", "~5.0", "1.5e2", "6.25 .. "])],
    "isn": [
        Family("ean13", ["ean13"], ["978-0-11-000222-4", "123-456789-012-8"]),
        Family("isbn13", ["isbn13"], ["978-0-393-04002-9"]),
        Family("isbn", ["isbn"], ["0-393-04002-X"]),
        Family("ismn13", ["ismn13"], ["979-0-2306-7118-7"]),
        Family("ismn", ["ismn"], ["M-2306-7118-7"]),
        Family("issn13", ["issn13"], ["977-1436-452-00-8"]),
        Family("issn", ["issn"], ["1436-4522"]),
        Family("upc", ["upc"], ["220356483481"]),
    ],
    "lo": [Family("lo", ["lo"], ["0", "4294967295"])],
    "intarray": [Family("query_int", ["query_int"], ["1&(2|!3)"])],
    "earthdistance": [Family("earth", ["earth"], ["(0, 0, 6378168)"])],
    "vector": [
        Family("vector", ["vector", "vector(3)"], ["[1,2,3]", "[0.1,-0,1e-30]"]),
        Family("halfvec", ["halfvec", "halfvec(3)"], ["[1,2,3]", "[0.1,-0,0.5]"]),
        Family("sparsevec", ["sparsevec", "sparsevec(3)"], ["{1:1,3:2.5}/3", "{}/3"]),
    ],
}  # fmt: skip

NO_VALUES: Final[Mapping[str, str]] = {
    "gtsvector": "the server takes no value of it",
    "pg_node_tree": "the server takes no value of it",
    "pg_ndistinct": "the server takes no value of it",
    "pg_dependencies": "the server takes no value of it",
    "pg_mcv_list": "the server takes no value of it",
    "pg_brin_bloom_summary": "the server takes no value of it",
    "pg_brin_minmax_multi_summary": "the server takes no value of it",
    "ghstore": "the key of an index, the server takes no value of it",
    "gtrgm": "the key of an index, the server takes no value of it",
    "ltree_gist": "the key of an index, the server takes no value of it",
    "intbig_gkey": "the key of an index, the server takes no value of it",
    "gbtreekey2": "the key of an index, the server takes no value of it",
    "gbtreekey4": "the key of an index, the server takes no value of it",
    "gbtreekey8": "the key of an index, the server takes no value of it",
    "gbtreekey16": "the key of an index, the server takes no value of it",
    "gbtreekey32": "the key of an index, the server takes no value of it",
    "gbtreekey_var": "the key of an index, the server takes no value of it",
}  # fmt: skip


@dataclass(frozen=True)
class Sort:
    """A type as a server takes it, plain or within an array, a domain or a row, with the values that it took.

    `of` is the plain type, `spelled` what a column is declared as; `equal` and `ordered` say whether values can be compared.
    """

    of: str
    form: str
    spelled: str
    values: tuple[str, ...] = field(repr=False)
    equal: bool = field(default=False)
    ordered: bool = field(default=False)
    nullable: bool = field(default=True)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.of if self.form == "plain" else f"{self.form} of {self.of}"


def _in_array(value: str | None) -> str:
    return "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def array_values(values: Sequence[str], delimiter: str = ",") -> list[str]:
    """Arrays of a type's values: empty, with NULL, of two dimensions, with a lower bound of its own."""
    cells = [_in_array(one) for one in values[:8]]
    first, last = cells[0], cells[-1]
    flat = delimiter.join([*cells, "NULL"])
    square = delimiter.join(f"{{{delimiter.join(pair)}}}" for pair in ((first, "NULL"), (last, first)))
    return ["{}", f"{{{flat}}}", f"{{{square}}}", f"[0:1]={{{first}{delimiter}{last}}}"]


def row_values(values: Sequence[str]) -> list[str]:
    """Values of a composite type of this type and a number."""
    return ["(,)", *('("' + one.replace("\\", "\\\\").replace('"', '""') + '",7)' for one in values[:4])]
