"""The XML files of graphs, GraphML and GEXF: looked through before networkx reads them."""

from __future__ import annotations

import io
import re
import warnings
from xml.etree import ElementTree
from xml.parsers import expat

from mt_core.errors import InputError
from mt_core.sdk import left_out
from mt_plugin_graph.attributes import Columns, attributes_of
from mt_plugin_graph.graph import Graph, check_size
from mt_plugin_graph.reading.networks import graph_of_network

_MAX_DEPTH = 64

_NUMBERS = {"byte": "long", "short": "long", "biginteger": "long", "bigdecimal": "double"}
_TYPES = frozenset(("integer", "int", "long", "float", "double", "boolean", "string"))

_GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"
_GEXF = re.compile(rb"https?://(?:www\.)?gexf\.net/[\w.]+")


def graph_of_xml(content: bytes, name: str, columns: Columns = attributes_of) -> Graph:
    """The graph of a GraphML or GEXF file; which of the two, its first element says.

    Raises:
        InputError: neither of them, an entity or a document type, too large, or several graphs.
    """
    root = _inspect(content, name)
    import networkx

    content, lists = _with_known_types(content, is_gexf=root == "gexf")
    if lists:
        left_out(name, f"attributes that are lists: {', '.join(lists)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of attributes without a declared type, which are then text
        if root == "graphml":
            network = networkx.read_graphml(io.BytesIO(content))
        else:
            network = networkx.read_gexf(io.BytesIO(content))
            for *_, record in (*network.nodes(data=True), *network.edges(data=True)):
                record.pop("label", None)  # what is written beside it in a drawing, by default its id
    for records, declared in ((network.nodes(data=True), "node_default"), (network.edges(data=True), "edge_default")):
        for *_, record in records:  # networkx reads what a file says of all others, and leaves it there
            record.update({key: value for key, value in network.graph.get(declared, {}).items() if key not in record})
    return graph_of_network(network, name, columns)


def _with_known_types(content: bytes, *, is_gexf: bool) -> tuple[bytes, list[str]]:
    """The file with types of attributes that networkx knows, without attributes that are lists; and their names.

    GEXF 1.3 has lists of numbers and further types of them; graph-tool writes vectors into GraphML.
    """
    root = ElementTree.fromstring(_GEXF.sub(b"http://www.gexf.net/1.2draft", content) if is_gexf else content)
    if not is_gexf:  # Cytoscape names no namespace, and others have addresses of their own
        own = _space_of(root)
        for element in root.iter():
            if _space_of(element) == own:
                element.tag = _GRAPHML + element.tag.removeprefix(own)
    space = _space_of(root)
    for graph in root.iter(f"{space}graph") if is_gexf else ():
        graph.set("timeformat", graph.get("timeformat") or "string")  # which networkx asks for, and 1.1 need not name
    key, name, kind = ("attribute", "title", "type") if is_gexf else ("key", "attr.name", "attr.type")
    value, of = ("attvalue", "for") if is_gexf else ("data", "key")
    dropped: dict[tuple[str, str], str] = {}  # by what it belongs to, and its id
    for parent in list(root.iter()):
        for declared in parent.findall(f"{space}{key}"):
            type_name = declared.get(kind, "").lower()
            title: str = declared.get(name) or declared.get("id") or ""
            owner: str = (parent.get("class") or "") if is_gexf else ""
            if not is_gexf and declared.get(name) is None and declared.get("yfiles.type") is None:
                declared.set(name, title)
            if type_name.startswith(("list", "vector")):
                dropped[owner, declared.get("id") or ""] = title
                parent.remove(declared)
            elif type_name:
                declared.set(kind, type_name if type_name in _TYPES else _NUMBERS.get(type_name, "string"))
    owners = [("node", "node"), ("edge", "edge")] if is_gexf else [("", "*")]
    for owner, tag in owners if dropped else []:
        for element in root.iter(f"{space}{tag}" if tag != "*" else None):
            for parent in (element, *element.findall(f"{space}attvalues")):
                for each in parent.findall(f"{space}{value}"):
                    if (owner, each.get(of) or each.get("id") or "") in dropped:
                        parent.remove(each)
    return ElementTree.tostring(root), sorted(set(dropped.values()))


def _space_of(element: ElementTree.Element) -> str:
    """The namespace of an element, in its braces; "" for none."""
    return element.tag[: element.tag.find("}") + 1]


def _inspect(content: bytes, name: str) -> str:
    """The name of the first element of a file that is safe to build; nothing is built here.

    A document type is refused whatever it says: a few lines of entities there can unfold to gigabytes.
    """
    counts = {"node": 0, "edge": 0, "graph": 0}
    opened: list[str] = []
    root = ""

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal root
        tag = tag.rpartition(":")[2]
        root = root or tag
        opened.append(tag)
        if len(opened) > _MAX_DEPTH:
            raise InputError(f"{name} is nested more than {_MAX_DEPTH} deep", fix="export it again")
        if tag in counts:
            counts[tag] += 1
            check_size(counts["node"], counts["edge"], name)
        if counts["graph"] > 1:
            raise InputError(f"{name} holds several graphs", fix="save each of them in a file of its own")

    def end(_: str) -> None:
        opened.pop()

    def refuse(*_: object) -> None:
        raise InputError(
            f"{name} declares a document type", fix="remove the <!DOCTYPE ...> and export without entities"
        )

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.Parse(content, True)
    if root not in ("graphml", "gexf"):
        raise InputError(f"{name} is XML of another kind, <{root}>", fix="export it as GraphML or GEXF")
    return root
