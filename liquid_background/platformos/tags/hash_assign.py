"""`{% hash_assign object['key'] = value %}` is `assign` with a place in an object, in the words of older templates."""

from __future__ import annotations

from liquid import Node, Tag, TokenStream


class HashAssignTag(Tag):
    """The `hash_assign` tag."""

    name = "hash_assign"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the tag's last token."""
        return self.env.tags["assign"].parse(stream)
