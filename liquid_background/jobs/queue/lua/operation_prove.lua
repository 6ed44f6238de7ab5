-- include: time keep rights operation progress passed
-- Note a part of a proof, whose lease the caller has. ARGV: id, token, lease in ms or '' to let go of it, where to go on, how
-- many ids more were looked at and how many are left, '' or how it ends, how many jobs were proven, what has come of all by
-- now as JSON; then, for each that passed, its id and the end of the run that was proven. Returns fenced or ok.
local FIRST = 10
local id = ARGV[1]
local key = OPERATION .. id
-- fetch: state token from key
if record.err or state ~= 'running' or token ~= ARGV[2] then return 'fenced' end
check_rights()
redis.call('PERSIST', key)  -- first: what follows is taken by a full store, too
keep_passed(id, FIRST)
add(key, 'matched', tonumber(ARGV[8]))
add(key, 'done', tonumber(ARGV[8]))
note_progress(key, ARGV[4], ARGV[5], ARGV[6])
redis.call('HSET', key, 'verdicts', ARGV[9])
if ARGV[7] ~= '' then end_operation(id, ARGV[7]) else go_on(key, id, ARGV[3], 0) end
return 'ok'
