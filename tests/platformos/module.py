"""A module that hands events on, in the forms that modules of platformOS have, and an application that uses it.

A page publishes an event. It is made, checked, kept, and a job tells each of its consumers, which run as jobs of their
own. One of them publishes the next event.
"""

from __future__ import annotations

from typing import Final

_BUS: Final = "modules/bus/public/lib"

MODULE: Final = {
    f"{_BUS}/commands/events/publish": """
{% liquid
  if delay > 0
    log 'put metadata.delay in the consumer, and not in a call of publish', type: 'DEPRECATION'
  endif

  unless type
    log 'type is missing', type: 'ERROR: modules/bus/commands/events publish'
    return null
  endunless
  if object == blank
    log 'object is missing', type: 'ERROR: modules/bus/commands/events publish'
    return null
  endif

  function event = "modules/bus/commands/events/create", type: type, object: object,
    deprecated_max_attempts: max_attempts, deprecated_delay: delay

  return event
%}
""",
    f"{_BUS}/commands/events/create": """
{% liquid
  function event = 'modules/bus/commands/events/create/build', type: type, object: object
  function event = 'modules/bus/commands/events/create/check', object: event, type: type
  if event.valid
    function event = 'modules/bus/commands/events/create/execute', object: event
    if event.valid
      assign source_name = 'modules/bus/commands/events/create:' | append: type
      background _job_id = 'modules/bus/commands/events/broadcast', object: event,
        deprecated_max_attempts: deprecated_max_attempts, deprecated_delay: deprecated_delay,
        source_name: source_name, priority: 'high'
    else
      log event, type: 'ERROR: modules/bus/commands/events invalid'
    endif
  else
    log event, type: 'ERROR: modules/bus/commands/events invalid'
  endif

  return event
%}
""",
    f"{_BUS}/commands/events/create/build": """
{% liquid
  assign now = 'now' | to_time
  assign made = object | hash_merge: type: type, date: now

  return made
%}
""",
    f"{_BUS}/commands/events/create/check": """
{% liquid
  assign c = '{ "errors": {}, "valid": true }' | parse_json

  function c = 'modules/bus/validations/presence', c: c, object: object, field_name: 'type'
  function c = 'modules/bus/validations/presence', c: c, object: object, field_name: 'date'

  assign name = 'events/' | append: object.type
  graphql checks = 'modules/bus/events/checks', name: name | fetch: "admin_liquid_partials" | fetch: "results"
  for partial in checks
    assign is_definition = partial.path | matches: '^(modules/[^/]+/events/[^/]++|events/[^/]+)$'
    if is_definition
      assign event_check = partial
      break
    endif
  endfor

  if event_check
    function result = event_check.path, event: object
    if result.valid != true
      hash_assign c['errors']['object'] = result.errors
      hash_assign c['valid'] = false
    endif
  else
    assign message = 'There is no such event: ' | append: object.type
    function c = 'modules/bus/helpers/register_error', contract: c, field_name: type, message: message
  endif

  assign object = object | hash_merge: c
  return object
%}
""",
    f"{_BUS}/commands/events/create/execute": """
{% liquid
  graphql r = 'modules/bus/events/create', payload: object

  assign object = r.activity_create.payload
  hash_assign object['valid'] = true

  return object
%}
""",
    f"{_BUS}/commands/events/broadcast": """
{% liquid
  if object.type == blank
    log 'ERROR: events broadcast type blank'
    return null
  endif
  assign priorities = 'low,default,high' | split: ','

  assign name = 'consumers/' | append: object.type | append: '/'
  graphql consumers = 'modules/bus/events/consumers', name: name | fetch: "admin_liquid_partials" | fetch: "results"

  hash_assign object['consumers'] = consumers
  for consumer in consumers
    assign priority = 'default'
    if priorities contains consumer.metadata.priority
      assign priority = consumer.metadata.priority
    endif
    assign max_attempts =  consumer.metadata.max_attempts | default: deprecated_max_attempts | default: 9
    assign delay =  consumer.metadata.delay | default: deprecated_delay | default: 0

    background _id = consumer.path, event: object, priority: priority, delay: delay, max_attempts: max_attempts
  endfor

  return object
%}
""",
    f"{_BUS}/validations/presence": """
{% liquid
  if object[field_name] == blank
    function c = 'modules/bus/helpers/register_error', contract: c, field_name: field_name, message: 'cannot be blank'
  endif

  return c
%}
""",
    f"{_BUS}/helpers/register_error": """
{% liquid
  assign errors = contract.errors
  assign field_errors = errors[field_name] | default: '[]' | parse_json
  assign field_errors = field_errors | add_to_array: message

  hash_assign errors[field_name] = field_errors
  hash_assign contract['errors'] = errors
  hash_assign contract['valid'] = false

  return contract
%}
""",
}
"""The module."""

_CHECK: Final = """
{% liquid
  assign c = '{ "errors": {}, "valid": true }' | parse_json

  function c = 'modules/bus/validations/presence', c: c, object: event, field_name: 'order_id'

  return c
%}
"""

APPLICATION: Final = {
    "pages/order": """
{% liquid
  assign object = '{}' | parse_json
  hash_assign object['order_id'] = params.order_id
  function event = 'modules/bus/commands/events/publish', type: type, object: object
  if event.valid
    echo 'published'
  else
    echo event.errors
  endif
%}
""",
    "app/lib/events/order_placed": _CHECK,
    "app/lib/events/order_confirmed": _CHECK,
    "app/lib/consumers/order_placed/confirm": """---
metadata:
  priority: high
  max_attempts: 2
---
{% liquid
  function object = 'commands/orders/confirm', id: event.order_id
  function _ = 'modules/bus/commands/events/publish', type: 'order_confirmed', object: object
%}
""",
    "app/lib/consumers/order_placed/count": "{% log event.order_id, type: 'counted' %}",
    "app/lib/consumers/order_confirmed/thank": "{% log event, type: 'thanked' %}{{ event.order_id }} {{ event.type }}",
    "app/lib/commands/orders/confirm": """
{% parse_json object %}
  { "order_id": {{ id | json }}, "confirmed": true }
{% endparse_json %}
{% return object %}
""",
}
"""An application whose consumer of one event publishes another one."""
