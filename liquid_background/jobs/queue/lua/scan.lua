-- include: time blank site elsewhere order batch
-- Look at the next ids of one place, and return those whose records say that they stand there and meet the conditions.
-- ARGV: how the place is read (see `readers`), its key, RQ's words that stand there, 1 if unknown words do, too, and 2 if
-- whatever stands nowhere else, the fields of which the latest says when a job came there, most ids, most bytes of records,
-- what ids begin with, since, until, and before which the caller has enough newer ones (times as records have them, or ''), 1 to
-- return the data of each and 1 its error, the sorted set in which an id has to stand, too, or '', the number of words of the position,
-- these words, then the conditions: field, how, text.
-- Returns how many ids were looked at, 1 if none is left, the time of the last that has one or '', of a list how many ids
-- stood behind those, they and a few more on either side, and {this clock as records have it}, of a sorted set 0, {}, and {score, member}
-- of the last; then a row for each that fits: id, time, its number among those looked at, score, member, data, error.
local kind, key, unknown, any = ARGV[1], ARGV[2], ARGV[4] ~= '0', ARGV[4] == '2'
local most, budget, prefix = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local since, before, above, with_data, with_error = ARGV[9], ARGV[10], ARGV[11], ARGV[12] == '1', ARGV[13] == '1'
local registry, words = ARGV[14], tonumber(ARGV[15])
local position = {unpack(ARGV, 16, 15 + words)}
local PASSED = 4  -- times as many ids that begin otherwise are passed as records are read
local A_RECORD = 200  -- bytes that reading one takes as long as, besides those of its fields
local LONGEST_TOKEN = 64
local LOWERED = 5  -- times as long as a byte is read it is made small and searched
local most_ids = prefix ~= '' and PASSED * most or most
-- What is claimed or runs stands in the leases, whatever else still names it.
local may_be_leased = kind == 'list' or kind == 'attempts' or kind == 'batches'

local known, has_ended, accepted = {}, {}, {}
for _, word in ipairs(STATES) do known[word] = true end
for _, word in ipairs(ENDED) do has_ended[word] = true end
for word in string.gmatch(ARGV[3], '%a+') do accepted[word] = true end

local fields, conditions = {'status', 'origin'}, {}
local function add(field)
  fields[#fields + 1] = field
  return #fields
end
local STAMPS = #fields + 1
for field in string.gmatch(ARGV[5], '[%a_]+') do add(field) end
local LAST_STAMP = #fields
local TOKEN, ERROR = may_be_leased and add('lb_token'), with_error and add('lb_error')
for i = 16 + words, #ARGV, 3 do
  local condition = {field = ARGV[i], how = ARGV[i + 1], text = ARGV[i + 2]}
  if condition.field ~= 'data' then condition.at = add(condition.field) end
  conditions[#conditions + 1] = condition
end
local FINAL = add('lb_final')

-- When a job came to where it stands.
local function time_of(record_key, record)
  local latest = ''
  for i = STAMPS, LAST_STAMP do
    local stamp = record[i]
    if stamp and #stamp == 27 and stamp > latest then latest = stamp end
  end
  if latest ~= '' then return latest end
  local created = read('HGET', record_key, 'created_at') or ''
  return #created == 27 and created or ''
end

local function holds(value, condition)
  local how, text = condition.how, condition.text
  if how == '=' then return value == text end
  if not value then return false end
  if how == '^' then return string.sub(value, 1, #text) == text end
  budget = budget - #value * (how == '~' and LOWERED or 1)
  if how == '~' then value = string.lower(value) end
  return string.find(value, text, 1, true) ~= nil
end

-- A record's data; nil when it is more than a worker reads.
local function data_of(record_key)
  local length = read('HSTRLEN', record_key, 'data')
  if not length or length > LARGEST then return nil end
  budget = budget - length
  return redis.call('HGET', record_key, 'data')
end

-- Whether a record meets the conditions; and its data, where that is asked for.
local function meets(record_key, record, has_error)
  local data
  for _, condition in ipairs(conditions) do
    if condition.field == 'lb_error' and not has_error then
      return false
    elseif condition.field == 'data' then
      data = data or data_of(record_key)
      -- What is packed, as other tools write it, may fit.
      if not data or (string.sub(data, 1, 1) == '[' and not holds(data, condition)) then return false end
    elseif not holds(record[condition.at], condition) then
      return false
    end
  end
  return true, with_data and (data or data_of(record_key))
end

-- Whether a job stands where its status says.
local function stands_there(id, status, queue)
  if status == 'started' then return is_leased(read, id, read('HGET', 'rq:job:' .. id, 'lb_token')) end
  if status == 'scheduled' then return read('ZSCORE', SCHEDULED .. queue, id) end
  if status == 'deferred' then return read('ZSCORE', DEFERRED .. queue, id) end
  return status == 'queued' or read('ZSCORE', 'rq:' .. status .. ':' .. SITE .. queue, id)
end

local own_origin

-- Return the time of a job that stands here, whether it fits, its data and its error; nil when it does not stand here.
local function look(id, under)
  if registry ~= '' and not read('ZSCORE', registry, id) then return nil end
  local record_key = 'rq:job:' .. id
  local record = read('HMGET', record_key, unpack(fields)) or {}
  local status, origin = record[1], record[2]
  budget = budget - A_RECORD
  for i = 1, #fields do
    if record[i] then budget = budget - #record[i] end
  end
  if not accepted[status or ''] then
    if not unknown then return nil end
    if known[status or ''] and not (any and not stands_there(id, status, queue_of(origin))) then return nil end
    if not status and redis.call('EXISTS', record_key) == 0 then return nil end
  end
  if origin ~= own_origin then
    if is_of_another_site(origin) then return nil end
    own_origin = origin
  end
  if under then
    if record[TOKEN] ~= under or read('ZSCORE', LEASES, id) then return nil end
  elseif TOKEN and (record[TOKEN] or '') ~= '' and is_leased(read, id, record[TOKEN]) then
    return nil
  end
  local time = time_of(record_key, record)
  if above ~= '' and time < above then return time, false end
  if since ~= '' and time < since or before ~= '' and (time == '' or time >= before) then return time, false end
  local has_error = not record[FINAL] or has_ended[status]  -- else it is of the run before
  local fits, data = meets(record_key, record, has_error)
  return time, fits, data, ERROR and has_error and record[ERROR]
end

local readers = {}

-- Where in a list the ids begin that are as old as the position, when all that stood around it has gone. When none is
-- older, it was claimed with all before it: claims take the oldest.
local function by_time(length, time_at)
  local function is_older(at) return time_at(redis.call('LINDEX', key, -at - 1)) < position[2] end
  if first(0, length, is_older) == length then return length end
  return first(0, length, function(at) return time_at(redis.call('LINDEX', key, -at - 1)) <= position[2] end)
end

-- How many ids of a list stand behind the position, which says how many did, the time of the last of these, when it was
-- read, how many of those follow (the nearest first), these, and those that stood before it (likewise). Each may have been
-- taken away since; one that was put there again has a time that is later than the reading.
local function passed_of(length)
  if words == 0 then return 0 end
  local start, passed = tonumber(position[1]), tonumber(position[4])
  if passed > 0 and read('LINDEX', key, -start) == position[5] then return start end
  local function time_at(id) return read('HGET', 'rq:job:' .. id, 'enqueued_at') or '' end
  for i = 5, words do
    local at = time_at(position[i]) <= position[3] and read('LPOS', key, position[i], 'RANK', -1)
    if at then return i <= 4 + passed and length - at or length - at - 1 end
  end
  return by_time(length, time_at)
end

-- A list from its end on, where what came last stands. Returns its ids with as many on either side as a position names,
-- nil, how many stand behind it, and of those how many are returned.
function readers.list()
  local length = read('LLEN', key) or 0
  local start = passed_of(length)
  local lead = math.min(start, ANCHORS)
  local ids, turned = read('LRANGE', key, -(start + most_ids + ANCHORS), lead - start - 1) or {}, {}
  for i = #ids, 1, -1 do turned[#turned + 1] = ids[i] end
  return turned, nil, start, lead
end

-- A sorted set, from the highest score on or from the lowest. Its position: a score and a member, both of what was passed.
local function read_sorted(range, is_falling)
  local start = 0
  if words > 0 then
    local score, member = position[1], position[2]
    local ties = read('ZCOUNT', key, score, score) or 0
    start = (is_falling and read('ZCOUNT', key, '(' .. score, '+inf') or read('ZCOUNT', key, '-inf', '(' .. score)) or 0
    if ties > 0 then
      start = first(start, start + ties, function(at)
        local other = redis.call(range, key, at, at)[1]
        local order = compared(other, member)
        return is_falling and order < 0 or not is_falling and order > 0
      end)
    end
  end
  local pairs_of, members, scores = read(range, key, start, start + most_ids - 1, 'WITHSCORES') or {}, {}, {}
  for i = 1, #pairs_of, 2 do
    members[#members + 1], scores[#scores + 1] = pairs_of[i], pairs_of[i + 1]
  end
  return members, scores, start, 0
end

function readers.falling() return read_sorted('ZREVRANGE', true) end
function readers.rising() return read_sorted('ZRANGE', false) end

-- A sorted set whose scores say when the records go, as of jobs that have ended: behind the first that is over, all are.
function readers.expiring()
  local members, scores, start, lead = readers.falling()
  local left = first(0, #members, function(at) return tonumber(scores[at + 1]) <= now end)
  return {unpack(members, 1, left)}, scores, start, lead
end

readers.attempts = readers.rising  -- members are of the form job:execution

local has_more = false  -- though fewer were returned than are asked for

-- The jobs of claims, from the claim whose lease ends first on, and in each as they were claimed. Members are of the form token:job,
-- and token: stands behind those of each, so that a position is never far from the next.
function readers.batches()
  local members, scores, read_ids = {}, {}, 0
  local score, last_token, last_id = position[1], string.match(position[2] or '', '^([^:]*):(.*)$')
  position = {score, last_token}
  local tokens, ends, start = read_sorted('ZRANGE', false)
  if last_token and last_id ~= '' then
    -- What is left of the batch in which the position is.
    local token = start > 0 and read('ZRANGE', key, start - 1, start - 1)[1]
    if token == last_token then
      table.insert(tokens, 1, token)
      table.insert(ends, 1, score)
    end
  end
  has_more = #tokens >= most_ids
  for i, token in ipairs(tokens) do
    if read_ids >= 2 * most_ids or #members >= most_ids then
      has_more = true
      break
    end
    if #token <= LONGEST_TOKEN and not string.find(token, ':', 1, true) then
      local ids, _, count = ids_under(read, token)
      local from = 1
      read_ids = read_ids + count
      for j, id in ipairs(ids) do
        if token == last_token and id == last_id then from = j + 1 end
      end
      for j = from, #ids do
        if type(ids[j]) == 'string' then members[#members + 1], scores[#scores + 1] = token .. ':' .. ids[j], ends[i] end
      end
      members[#members + 1], scores[#scores + 1] = token .. ':', ends[i]
    end
  end
  has_more = has_more and #members > 0
  return members, scores, 0, 0
end

local members, scores, start, lead = readers[kind]()
local there = math.max(0, math.min(most_ids, #members - lead))
local rows, looked, read_records, last = {}, 0, 0, ''
for i = 1, there do
  if read_records == most or budget < 0 then break end
  looked = i
  local member = members[lead + i]
  local id, under = member, nil
  if kind == 'attempts' then id = string.match(member, '^[^:]*') end
  if kind == 'batches' then under, id = string.match(member, '^([^:]*):(.*)$') end
  if not (under and id == '') and #id <= LONGEST_ID and string.sub(id, 1, #prefix) == prefix then
    read_records = read_records + 1
    local time, fits, data, message = look(id, under)
    if time and time ~= '' then last = time end
    if fits then
      rows[#rows + 1] = {id, time, i, scores and scores[i] or '', scores and member or '', data or '', message or ''}
    end
  end
end
local is_last = looked == there and there < most_ids and not has_more and 1 or 0
if scores then return {looked, is_last, last, 0, {}, {scores[looked] or '', members[looked] or ''}, rows} end
return {looked, is_last, last, start, members, {iso()}, rows}
