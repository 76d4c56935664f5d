"""Pictures of what agents did: filmstrips, animations, charts, differences."""
