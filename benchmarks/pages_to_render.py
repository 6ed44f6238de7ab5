"""The ten templates of `render.py`, each in Liquid and in Jinja2, which print the same but for blanks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from workload import BODY, ITEMS, SHOP, WHO


@dataclass(frozen=True, slots=True)
class Page:
    """A template in both languages."""

    name: str
    liquid: str
    jinja: str
    jinja_partials: Mapping[str, str] = field(default_factory=dict)


PRODUCTS: Final[list[dict[str, Any]]] = [
    {
        "title": f"Product & {number}",
        "handle": f"product-{number}",
        "price": number * 125,
        "stock": number % 10,
        "available": number % 3 != 0,
        "tags": ["new", "sale", "warm"][: number % 4],
        "vendor": {"name": f"Vendor {number % 5}", "city": "Leeds"},
    }
    for number in range(1, 25)
]
DATA: Final[dict[str, Any]] = {
    "n": 7,
    "who": WHO,
    "shop": SHOP,
    "items": ITEMS,
    "products": PRODUCTS,
    "order": {
        "id": 1042,
        "name": "#1042",
        "paid": True,
        "note": "",
        "total": 12990,
        "lines": [{"title": p["title"], "quantity": p["stock"] + 1, "price": p["price"]} for p in PRODUCTS[:12]],
    },
    "customer": {"name": "Ada Lovelace", "email": "ada@example.com", "orders": 12, "tags": ["vip", "trade"]},
    "user": {"name": "Ada", "admin": False, "cart": [1, 2, 3]},
}
PARTIALS: Final[dict[str, str]] = {
    "card": "<div>{{ title | escape }}: {{ price }}{% render 'badge', stock: stock %}</div>",
    "badge": "<i>{% if stock > 5 %}many{% else %}{{ stock }}{% endif %}</i>",
}

SMALL: Final = Page(
    "small page",
    "<h1>{{ shop }}</h1><p>Hello {{ user.name }}, you have {{ user.cart.size }} things in your cart.</p>"
    "{% if user.admin %}<b>{{ user.name | upcase }}</b>{% endif %}",
    "<h1>{{ shop }}</h1><p>Hello {{ user.name }}, you have {{ user.cart|length }} things in your cart.</p>"
    "{% if user.admin %}<b>{{ user.name|upper }}</b>{% endif %}",
)
BENCH: Final = Page(
    "bench template",
    BODY,
    """{% set ns = namespace(total=0) %}
{% for k in range(1, 13) %}
  {% set ns.total = ns.total + k %}
  {% if k == 4 %}half{% else %}-{% endif %}
{% endfor %}
Dear {{ who|upper }},
order {{ n }} of {{ shop }} costs {{ (ns.total * 1.2)|round(2) }}.
{% set parts = "a,b,c".split(",") %}
{% for p in parts %}{{ p ~ "!" }}{% endfor %}
{% if n == 1 %}the first
{% else %}one of many
{% endif %}
{{ items|join(", ") }}
Thanks.
""",
)
INVOICE: Final = Page(
    "invoice",
    "Invoice {{ order.name }} for {{ customer.name | escape }} &lt;{{ customer.email }}&gt;\n"
    "{% for line in order.lines %}{{ forloop.index }}. {{ line.title | escape }} x {{ line.quantity }}"
    " {{ line.price | times: line.quantity }}{% unless forloop.last %};{% endunless %}\n{% endfor %}"
    "{% assign net = order.total | minus: 990 %}Net {{ net }} Total {{ order.total }}"
    "{% if order.note != blank %} Note: {{ order.note }}{% endif %}{% if order.paid %} PAID{% endif %}",
    "Invoice {{ order.name }} for {{ customer.name|e }} &lt;{{ customer.email }}&gt;\n"
    "{% for line in order.lines %}{{ loop.index }}. {{ line.title|e }} x {{ line.quantity }}"
    " {{ line.price * line.quantity }}{% if not loop.last %};{% endif %}\n{% endfor %}"
    "{% set net = order.total - 990 %}Net {{ net }} Total {{ order.total }}"
    "{% if order.note %} Note: {{ order.note }}{% endif %}{% if order.paid %} PAID{% endif %}",
)
GRID: Final = Page(
    "product grid",
    "<ul>{% for product in products %}<li class='{% if product.available %}on{% else %}off{% endif %}'>"
    "<a href='/p/{{ product.handle }}'>{{ product.title | escape }}</a> {{ product.vendor.name | upcase }} "
    "{{ product.price | divided_by: 100 }} EUR"
    "{% if product.stock > 5 %} in stock{% elsif product.stock > 0 %} few{% endif %}"
    "{% if product.tags contains 'sale' %} <b>sale</b>{% endif %} {{ product.tags | join: ', ' }}</li>"
    "{% endfor %}</ul>",
    "<ul>{% for product in products %}<li class='{% if product.available %}on{% else %}off{% endif %}'>"
    "<a href='/p/{{ product.handle }}'>{{ product.title|e }}</a> {{ product.vendor.name|upper }} "
    "{{ product.price // 100 }} EUR"
    "{% if product.stock > 5 %} in stock{% elif product.stock > 0 %} few{% endif %}"
    "{% if 'sale' in product.tags %} <b>sale</b>{% endif %} {{ product.tags|join(', ') }}</li>{% endfor %}</ul>",
)
TABLE: Final = Page(
    "table",
    "<table>{% for product in products %}<tr><td>{{ product.title }}</td><td>{{ product.price }}</td>"
    "<td>{{ product.stock }}</td><td>{{ product.vendor.city }}</td></tr>{% endfor %}</table>",
    "<table>{% for product in products %}<tr><td>{{ product.title }}</td><td>{{ product.price }}</td>"
    "<td>{{ product.stock }}</td><td>{{ product.vendor.city }}</td></tr>{% endfor %}</table>",
)
WEBHOOK: Final = Page(
    "webhook JSON",
    '{"order":{{ order.id }},"name":"{{ order.name }}","customer":{"name":"{{ customer.name }}",'
    '"email":"{{ customer.email | downcase }}","tags":[{% for tag in customer.tags %}"{{ tag }}"'
    "{% unless forloop.last %},{% endunless %}{% endfor %}]},"
    '"lines":[{% for line in order.lines %}{"title":"{{ line.title | replace: \'"\', "" }}",'
    '"quantity":{{ line.quantity }},"sum":{{ line.price | times: line.quantity }}}'
    "{% unless forloop.last %},{% endunless %}{% endfor %}]}",
    '{"order":{{ order.id }},"name":"{{ order.name }}","customer":{"name":"{{ customer.name }}",'
    '"email":"{{ customer.email|lower }}","tags":[{% for tag in customer.tags %}"{{ tag }}"'
    "{% if not loop.last %},{% endif %}{% endfor %}]},"
    '"lines":[{% for line in order.lines %}{"title":"{{ line.title|replace(\'"\', "") }}",'
    '"quantity":{{ line.quantity }},"sum":{{ line.price * line.quantity }}}'
    "{% if not loop.last %},{% endif %}{% endfor %}]}",
)
LOGIC: Final = Page(
    "logic",
    "{% liquid\n"
    "assign count = 0\n"
    "assign cheap = 0\n"
    "for product in products\n"
    "  if product.available and product.stock > 2\n"
    "    assign count = count | plus: 1\n"
    "    if product.price < 1500 or product.tags contains 'sale'\n"
    "      assign cheap = cheap | plus: 1\n"
    "    endif\n"
    "  elsif product.stock == 0\n"
    "    continue\n"
    "  endif\n"
    "  case product.vendor.name\n"
    "    when 'Vendor 1', 'Vendor 2'\n"
    "      echo product.handle\n"
    "    when 'Vendor 3'\n"
    "      echo 'three'\n"
    "    else\n"
    "      echo '-'\n"
    "  endcase\n"
    "endfor\n"
    "echo count\n"
    "echo cheap\n"
    "%}",
    "{% set ns = namespace(count=0, cheap=0) %}{% for product in products %}"
    "{% if product.available and product.stock > 2 %}{% set ns.count = ns.count + 1 %}"
    "{% if product.price < 1500 or 'sale' in product.tags %}{% set ns.cheap = ns.cheap + 1 %}{% endif %}{% endif %}"
    "{% if (product.available and product.stock > 2) or product.stock != 0 %}"
    "{% if product.vendor.name in ('Vendor 1', 'Vendor 2') %}{{ product.handle }}"
    "{% elif product.vendor.name == 'Vendor 3' %}three{% else %}-{% endif %}{% endif %}{% endfor %}"
    "{{ ns.count }}{{ ns.cheap }}",
)
INCLUDES: Final = Page(
    "includes",
    "{% for product in products limit: 12 %}{% include 'card', title: product.title, price: product.price,"
    " stock: product.stock %}{% endfor %}",
    "{% for product in products[:12] %}{% set title = product.title %}{% set price = product.price %}"
    "{% set stock = product.stock %}{% include 'card' %}{% endfor %}",
    {
        "card": "<div>{{ title|e }}: {{ price }}{% include 'badge' %}</div>",
        "badge": "<i>{% if stock > 5 %}many{% else %}{{ stock }}{% endif %}</i>",
    },
)
EMAIL: Final = Page(
    "e-mail",
    "{% capture greeting %}Dear {{ customer.name | default: 'customer' }}{% endcapture %}{{ greeting | strip }},\n"
    "thank you for order {{ order.name }}. {% if customer.orders > 10 %}You are one of our best customers."
    "{% elsif customer.orders == 1 %}Welcome!{% endif %}\n{% for line in order.lines %}- {{ line.quantity }} x "
    "{{ line.title | truncate: 20 }}\n{% endfor %}{{ 'Yours' | append: ', ' | append: shop }}",
    "{% set greeting %}Dear {{ customer.name|default('customer', true) }}{% endset %}{{ greeting|trim }},\n"
    "thank you for order {{ order.name }}. {% if customer.orders > 10 %}You are one of our best customers."
    "{% elif customer.orders == 1 %}Welcome!{% endif %}\n{% for line in order.lines %}- {{ line.quantity }} x "
    "{{ line.title|truncate(20, true, '...', 0) }}\n{% endfor %}{{ 'Yours' ~ ', ' ~ shop }}",
)
NESTED: Final = Page(
    "nested loops",
    "{% for product in products %}{% for other in products limit: 6 %}"
    "{% if product.price == other.price %}={% elsif product.price > other.price %}&gt;{% else %}&lt;{% endif %}"
    "{{ forloop.index0 }}{% endfor %}|{% endfor %}",
    "{% for product in products %}{% for other in products[:6] %}"
    "{% if product.price == other.price %}={% elif product.price > other.price %}&gt;{% else %}&lt;{% endif %}"
    "{{ loop.index0 }}{% endfor %}|{% endfor %}",
)
PAGES: Final = (SMALL, BENCH, INVOICE, GRID, TABLE, WEBHOOK, LOGIC, INCLUDES, EMAIL, NESTED)
