-- include: time keep rights log enqueue group record among foreign acts operation progress micros
-- Do a part of an operation, whose lease the caller has. ARGV: id, token, lease in ms or '' to let go of it, where to go on,
-- how many ids more were looked at and how many of this status are left, '' or how it ends, ms that each job takes at its
-- rate, log limit; then for each job its id, its new signature or '' and why it cannot be signed or ''.
-- Returns {'fenced'}, or {'ok', ms until its rate lets it go on}.
local FIRST = 10
local id = ARGV[1]
local key = OPERATION .. id
-- fetch: kind state token began proof from key
if record.err or state ~= 'running' or token ~= ARGV[2] then return {'fenced'} end
check_rights()
redis.call('PERSIST', key)  -- first: what follows is taken by a full store, too
local done, failed, skipped, last_error = 0, 0, 0, nil

-- Since when a job waits, or waited before it started, for its first attempt or another one.
local function waits_since(fields)
  local enqueued_at, created_at, lb_final, lb_waits = unpack(fields)
  return (lb_final and enqueued_at or lb_waits or created_at) or ''
end

-- Whether the run of a job that ended then is the one that passed the proof, where the operation is about such.
local function is_proved(job, ended_at)
  if not proof then return true end
  local score = on('ZSCORE', PROVED .. proof, job)
  return score and tonumber(score) == micros_of(ended_at)
end

-- Whether a job is one of those that the operation is about: it ended, or came to wait, before that began. Nil when the
-- operation has dealt with it, or passed it by: whatever the clock does and wherever it goes, it counts once.
local function is_meant(id_of_job)
  local job = 'rq:job:' .. id_of_job
  -- fetch: status ended_at lb_operation lb_passed from job
  if record.err or not status then return false end
  if lb_operation == id or lb_passed == id then return nil end
  if not began then return false end
  if not is_proved(id_of_job, ended_at) then return false end
  if kind ~= 'cancel' then return is_among(kind == 'retry' and RETRIABLE or ENDED, status) and (ended_at or '') <= began end
  return not is_among(ENDED, status) and
    waits_since(redis.call('HMGET', job, 'enqueued_at', 'created_at', 'lb_final', 'lb_waits')) <= began
end

-- Count a job that is not meant, and note that in its record: it may be met again, where it has moved to.
local function pass(job)
  skipped = skipped + 1
  if type(redis.pcall('HGET', job, 'status')) == 'string' then redis.call('HSET', job, 'lb_passed', id) end
end

local acts = {}

function acts.retry(job, signature) return retry_job(job, signature) end

function acts.delete(job) return delete_job(job, ARGV[9], {}) end  -- it has ended, so the log says nothing

function acts.cancel(job)
  local description, data = unpack(redis.call('HMGET', 'rq:job:' .. job, 'description', 'data'))
  local template, line = place_of(data)
  return cancel_job(job, ARGV[9], {source_name = description or '', template = template, line = line})
end

local function deal_with(job, signature, why)
  local record_of = 'rq:job:' .. job
  local meant = is_meant(job)
  if not meant then
    if meant == false then pass(record_of) end
    return
  end
  local well, found = true, why
  if why == '' then well, found = pcall(acts[kind], job, signature) end
  if found == 'signed' then found = 'it is signed, and SIGNING_KEY is not set where this was carried out' end
  if well and found == 'ok' then
    done = done + 1
  else
    failed = failed + 1
    last_error = 'job ' .. job .. ': ' .. tostring(type(found) == 'table' and found.err or found)
  end
  if kind ~= 'delete' or found ~= 'ok' then redis.call('HSET', record_of, 'lb_operation', id) end
end

for i = FIRST, #ARGV, 3 do
  if #ARGV[i] <= LONGEST_ID then deal_with(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
end

add(key, 'matched', done + failed + skipped)
add(key, 'done', done)
add(key, 'failed', failed)
add(key, 'skipped', skipped)
note_progress(key, ARGV[4], ARGV[5], ARGV[6])
if last_error then redis.call('HSET', key, 'last_error', string.sub(last_error, 1, LONGEST_AUDITED)) end
if ARGV[7] ~= '' then
  end_operation(id, ARGV[7])
  return {'ok', 0}
end
local after = (done + failed) * tonumber(ARGV[8])
go_on(key, id, ARGV[3], after)
return {'ok', math.ceil(after)}
