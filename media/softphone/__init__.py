"""SIP softphones without a person: agents and callees that talk, listen, record and measure.

pjsua2 (the extra `softphone`, GPL) is imported by `engine` and `worker` only, in processes of their own. One process
holds four calls at most, so a fleet starts one worker per four robots; see `media.softphone.fleet.RobotFleet`.
"""
