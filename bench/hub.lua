-- For wrk, by bench/hub.py: arguments after -- are the API key, the method and, for requests with a body, a file of one body a line.
local bodies, at = {}, 0
function init(args)
  wrk.method = args[2]
  wrk.headers["Authorization"] = "Bearer " .. args[1]
  if args[3] then
    wrk.headers["Content-Type"] = "application/json"
    for line in io.lines(args[3]) do bodies[#bodies + 1] = line end
  end
end
function request()
  if #bodies == 0 then return wrk.format() end
  at = at % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
function done(summary, latency, requests)
  local seconds = summary.duration / 1e6
  io.write(string.format('{"requests":%d,"seconds":%.3f,"rate":%.1f,"p50_ms":%.3f,"p99_ms":%.3f,"refused":%d}\n', summary.requests, seconds,
    summary.requests / seconds, latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.errors.status))
end
