"""What the program answers, as values that cannot be changed. Each `read` refuses an answer of another shape (BadOutput)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Type, TypeVar

from redoubt.errors import BadOutput

T = TypeVar("T")


class Decision(enum.Enum):
    APPROVE = "approve"
    REJECT = "reject"


class _Fields:
    """The members of one JSON object, each asked for with its type."""

    def __init__(self, value: Any, what: str) -> None:
        if not isinstance(value, dict):
            raise BadOutput(f"{what}: expected an object, found {type(value).__name__}")
        self._value: Dict[str, Any] = value
        self._what = what

    def get(self, name: str, kind: Type[T]) -> T:
        found = self._value.get(name)
        if type(found) is not kind:  # bool is an int to isinstance
            raise BadOutput(f"{self._what}.{name}: expected {kind.__name__}, found {type(found).__name__}")
        return found

    def optional(self, name: str, kind: Type[T]) -> Optional[T]:
        return None if self._value.get(name) is None else self.get(name, kind)

    def number(self, name: str) -> int:
        """A count that the program writes as text, since JSON numbers end at 2^53."""
        found = self.get(name, str)
        if not found.isascii() or not found.isdigit() or len(found) > 20:
            raise BadOutput(f"{self._what}.{name}: expected a decimal number, found {found[:40]!r}")
        return int(found)

    def names(self, name: str) -> Tuple[str, ...]:
        return tuple(_text(item, f"{self._what}.{name}") for item in self.get(name, list))

    def each(self, name: str, read: Callable[[Any], T]) -> Tuple[T, ...]:
        return tuple(read(item) for item in self.get(name, list))

    def raw(self, name: str) -> Any:
        return self._value.get(name)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise BadOutput(f"{what}: expected text, found {type(value).__name__}")
    return value


@dataclass(frozen=True)
class PublicKeys:
    """The public half of a participant's keys: what the others put into a contract."""

    name: str
    signing_key: str
    value: Mapping[str, Any]

    @staticmethod
    def read(value: Any) -> "PublicKeys":
        fields = _Fields(value, "public keys")
        return PublicKeys(fields.get("name", str), fields.get("signing_key", str), value)


@dataclass(frozen=True)
class Check:
    """One check: its id, its outcome (passed, failed, not_applicable, ...) and, where values were compared, both."""

    id: str
    outcome: str
    detail: str = ""
    expected: str = ""
    found: str = ""

    @staticmethod
    def read(value: Any) -> "Check":
        fields = _Fields(value, "check")
        return Check(fields.get("id", str), fields.get("outcome", str), fields.optional("detail", str) or fields.optional("title", str) or "",
                     fields.optional("expected", str) or "", fields.optional("found", str) or "")


@dataclass(frozen=True)
class Appraisal:
    """The verdict on Evidence. `status` is the tier (affirming, warning, contraindicated, none)."""

    status: str
    host_asserted: bool
    program: Optional[str]
    instance: Optional[str]
    policy: str
    checks: Tuple[Check, ...]
    remarks: Tuple[str, ...]

    @staticmethod
    def read(value: Any) -> "Appraisal":
        fields = _Fields(value, "appraisal")
        return Appraisal(fields.get("status", str), fields.get("host_asserted", bool), fields.optional("program", str),
                         fields.optional("instance", str), fields.get("policy", str), fields.each("checks", Check.read), fields.names("remarks"))

    def failed(self) -> Tuple[Check, ...]:
        return tuple(check for check in self.checks if check.outcome == "failed")


@dataclass(frozen=True)
class Verification:
    """An enclave program that this participant appraised and joined."""

    appraisal: Appraisal
    joined: Tuple[str, ...]
    open: bool  # every participant has joined
    engine_sandbox: str
    quorum: str  # what a dishonest quorum of voters could do

    @staticmethod
    def read(value: Any) -> "Verification":
        fields = _Fields(value, "verification")
        return Verification(Appraisal.read(value), fields.names("joined"), fields.get("open", bool), fields.get("engine_sandbox", str),
                            fields.get("quorum", str))


@dataclass(frozen=True)
class Dataset:
    """A table that its owner sealed. `state` is what the hub says."""

    name: str
    version: int
    manifest: str
    rows: int
    owner: str = ""
    state: str = ""

    @staticmethod
    def read(value: Any) -> "Dataset":
        fields = _Fields(value, "dataset")
        return Dataset(fields.get("dataset", str), fields.get("version", int), fields.get("manifest", str), fields.number("rows"),
                       fields.optional("owner", str) or "", fields.optional("state", str) or "")


@dataclass(frozen=True)
class Proposal:
    """A query as it is signed: exact text, level, recipients, tables, and its place in the log. `query` is the digest of all of it."""

    query: str
    sql: str
    proposer: str
    level: str
    k: int
    recipients: Tuple[str, ...]
    manifests: Tuple[str, ...]
    log_index: int
    log_size: int
    log_root: str

    @staticmethod
    def read(value: Any) -> "Proposal":
        fields = _Fields(value, "proposal")
        inner = _Fields(fields.raw("proposal"), "proposal.proposal")
        terms = _Fields(inner.raw("terms"), "proposal.proposal.terms")
        return Proposal(fields.get("query", str), inner.get("sql", str), inner.get("proposer", str), terms.get("level", str),
                        terms.get("k", int), terms.names("recipients"), terms.names("manifests"), fields.number("index"),
                        fields.number("log_size"), fields.get("log_root", str))


@dataclass(frozen=True)
class Approval:
    """Whom the contract asks and who has answered, as the enclave program says."""

    state: str
    reason: str
    approved: Tuple[str, ...]
    rejected: Tuple[str, ...]
    awaited: Tuple[str, ...]
    expired: Tuple[str, ...]

    @staticmethod
    def read(value: Any) -> "Approval":
        fields = _Fields(value, "approval")
        return Approval(fields.get("state", str), fields.get("reason", str), fields.names("approved"), fields.names("rejected"),
                        fields.names("awaited"), fields.names("expired"))


@dataclass(frozen=True)
class Budget:
    """What a noisy query costs of a dataset's privacy budget, in zCDP (rho) and as epsilon at the dataset's delta; decimal text."""

    dataset: str
    rho_cost: str
    rho_reserved: str
    rho_total: str
    rho_left: str
    epsilon_reserved: str
    epsilon_total: str
    delta_total: str

    @staticmethod
    def read(value: Any) -> "Budget":
        fields = _Fields(value, "budget")
        return Budget(*(fields.get(name, str) for name in ("dataset", "rho_cost", "rho_reserved", "rho_total", "rho_left", "epsilon_reserved",
                                                           "epsilon_total", "delta_total")))


@dataclass(frozen=True)
class QueryStatus:
    """A proposal as the enclave program holds it, who approved, what it costs, and the state that the hub reports."""

    proposal: Proposal
    approval: Approval
    budgets: Tuple[Budget, ...]
    state: str
    reason: str

    @property
    def query(self) -> str:
        return self.proposal.query

    @staticmethod
    def read(value: Any) -> "QueryStatus":
        fields = _Fields(value, "query")
        return QueryStatus(Proposal.read(value), Approval.read(fields.raw("approval")), fields.each("budgets", Budget.read),
                           fields.get("state", str), fields.get("reason", str))


@dataclass(frozen=True)
class QuerySummary:
    """A query of the hub's list: signed by its proposer; its state is the hub's word."""

    query: str
    proposer: str
    sql: str
    state: str

    @staticmethod
    def read(value: Any) -> "QuerySummary":
        fields = _Fields(value, "query")
        return QuerySummary(*(fields.get(name, str) for name in ("query", "proposer", "sql", "state")))


@dataclass(frozen=True)
class Table:
    """A released table. Cells are text or None."""

    columns: Tuple[str, ...]
    rows: Tuple[Tuple[Optional[str], ...], ...]

    @staticmethod
    def read(value: Any) -> "Table":
        fields = _Fields(value, "result")
        columns = fields.names("columns")
        rows: List[Tuple[Optional[str], ...]] = []
        for line in fields.get("rows", list):
            if not isinstance(line, list) or len(line) != len(columns) or not all(cell is None or isinstance(cell, str) for cell in line):
                raise BadOutput(f"result: expected rows of {len(columns)} cells of text or null")
            rows.append(tuple(line))
        return Table(columns, tuple(rows))

    def records(self) -> List[Dict[str, Optional[str]]]:
        """One dictionary for each row; pandas.DataFrame takes it as it is. Columns of one name are refused."""
        if len(set(self.columns)) != len(self.columns):
            raise BadOutput("result: two columns have one name; read `rows`, or give them aliases")
        return [dict(zip(self.columns, row)) for row in self.rows]

    def column(self, name: str) -> List[Optional[str]]:
        return [row[self.columns.index(name)] for row in self.rows]


@dataclass(frozen=True)
class ReceiptVerdict:
    """What verifying a receipt gave, check by check."""

    accepted: bool
    instance: str
    sequence: int
    checks: Tuple[Check, ...]
    appraisal: Optional[Appraisal]

    @staticmethod
    def read(value: Any) -> "ReceiptVerdict":
        fields = _Fields(value, "receipt")
        appraisal = fields.raw("appraisal")
        return ReceiptVerdict(fields.get("accepted", bool), fields.get("instance", str), fields.number("sequence"),
                              fields.each("checks", Check.read), None if appraisal is None else Appraisal.read(appraisal))


@dataclass(frozen=True)
class Verdict:
    """The static verdict on a query: accepted, or the rule that refuses it, with the place and, where there is one, a rewrite."""

    accepted: bool
    datasets: Tuple[str, ...] = ()
    rule: str = ""
    message: str = ""
    suggestion: str = ""
    line: int = 0
    column: int = 0

    @staticmethod
    def read(value: Any) -> "Verdict":
        fields = _Fields(value, "verdict")
        if fields.get("verdict", str) == "accepted":
            return Verdict(True, fields.names("datasets"))
        return Verdict(False, (), fields.get("rule", str), fields.get("message", str), fields.get("suggestion", str), fields.get("line", int),
                       fields.get("column", int))


@dataclass(frozen=True)
class LogEntry:
    kind: str
    content: str
    about: str

    @staticmethod
    def read(value: Any) -> "LogEntry":
        fields = _Fields(value, "log entry")
        return LogEntry(fields.get("kind", str), fields.get("content", str), fields.optional("about", str) or "")


@dataclass(frozen=True)
class LogView:
    """An instance's log, held against its signed head and against what this participant saw before."""

    origin: str
    size: int
    root: str
    entries: Tuple[LogEntry, ...]

    @staticmethod
    def read(value: Any) -> "LogView":
        fields = _Fields(value, "log")
        return LogView(fields.get("origin", str), fields.number("size"), fields.get("root", str), fields.each("items", LogEntry.read))
