-- How far an operation is.

local function add(key, field, number)
  redis.call('HSET', key, field, string.format('%d', whole(redis.call('HGET', key, field), 0) + number))
end

-- Note where it goes on, how many ids more were looked at, and how many of this status are left.
local function note_progress(key, place, more, left)
  add(key, 'looked_at', tonumber(more))
  local looked_at = whole(redis.call('HGET', key, 'looked_at'), 0)
  redis.call('HSET', key, 'cursor', place, 'of', string.format('%d', looked_at + left))
end

-- Keep its lease for so many ms more, or, for '', let go of it until its rate lets it go on.
local function go_on(key, id, lease, after)
  if lease ~= '' then
    on('ZADD', OPERATIONS_DUE, now_ms + lease, id)
  else
    redis.call('HSET', key, 'token', '')
    on('ZADD', OPERATIONS_DUE, now_ms + math.min(after, FARTHEST_DUE), id)
  end
end
