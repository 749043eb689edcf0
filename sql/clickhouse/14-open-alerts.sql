-- Alerts whose newest state is not over.
SELECT router, kind, uplinks, argMax(toString(state), time_ms) AS state_now,
    argMax(text, time_ms) AS newest, max(time_ms) AS since_ms
FROM alerts
GROUP BY router, kind, uplinks HAVING state_now != 'over' ORDER BY since_ms DESC LIMIT 100;
