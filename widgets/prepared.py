"""Templates with what they extend put in once, and not anew for every picture."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import lru_cache

from django.template import Context, Engine, Template, engines
from django.template.backends.django import DjangoTemplates
from django.template.base import FilterExpression, NodeList
from django.template.loader_tags import BlockNode, ExtendsNode


# Django gathers the blocks of a template and of all it extends each time it renders it: a third of
# what a number's tile took.
@lru_cache(maxsize=200)
def prepared(name: str) -> Template:
    """The template `widgets/<name>.html`, flat. What it extends is named by a text, and no block
    asks for `block.super`; both are so for every kind (a test looks)."""
    engine = engines["django"]
    assert isinstance(engine, DjangoTemplates)
    template = engine.engine.get_template(f"widgets/{name}.html")
    chain = [template]
    while (extends := _extends(chain[-1])) is not None:
        chain.append(engine.engine.get_template(extends))
    blocks = {
        block.name: block.nodelist for one in reversed(chain) for block in _blocks(one.nodelist)
    }
    flat = copy.copy(template)
    flat.nodelist = _filled(chain[-1].nodelist, blocks, engine.engine)
    return flat


def _extends(template: Template) -> str | None:
    for node in template.nodelist:
        if isinstance(node, ExtendsNode):
            parent = node.parent_name
            assert isinstance(parent, FilterExpression)
            return str(parent.resolve(Context()))
    return None


def _blocks(nodes: NodeList) -> list[BlockNode]:
    return [node for node in nodes.get_nodes_by_type(BlockNode) if isinstance(node, BlockNode)]


def _filled(nodes: NodeList, blocks: Mapping[str, NodeList], engine: Engine) -> NodeList:
    """A copy in which every block holds what it is to show, however deep."""
    # Nodes know where they come from, and so the engine with its cache of all templates, which
    # another thread may be filling: that stays the same one.
    found = copy.deepcopy(nodes, {id(engine): engine})
    for block in _blocks(found):
        block.nodelist = _filled(blocks[block.name], blocks, engine)
    return found
