-- The share of new flows that each uplink got in the last day, against its weight.
SELECT router, name AS uplink, f / arraySum(all_f) AS share, w / arraySum(all_w) AS wanted
FROM (SELECT router, groupArray(uplink) AS names, groupArray(flows) AS all_f, groupArray(weight) AS all_w
    FROM (SELECT router, ifNull(toString(uplink), '') AS uplink, sum(flows_started) AS flows FROM usage FINAL
        WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 86400, 3600)
            AND time_ms >= (toUnixTimestamp(now()) - 86400) * 1000 GROUP BY router, uplink) AS a
    ANY INNER JOIN (SELECT router, splitByChar(':', one)[1] AS uplink,
            toUInt32OrZero(splitByChar(':', one)[2]) AS weight
        FROM (SELECT router, arrayJoin(splitByChar(' ', newest)) AS one
            FROM (SELECT router, argMax(toString(uplinks), time_ms) AS newest FROM heartbeat
                WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 86400, 3600)
                GROUP BY router))) AS b USING router, uplink
    GROUP BY router)
ARRAY JOIN names AS name, all_f AS f, all_w AS w
ORDER BY abs(share - wanted) DESC, router, uplink LIMIT 100;
