"""Tissue labels and their nominal attenuation in Hounsfield units.

Sources: Kalender, *Computed Tomography*, 3rd ed. (2011), table 1.1 and fig. 1.10, for air, fat,
muscle, blood, liver and bone; Webb, Mueller & Naidich, *High-Resolution CT of the Lung*,
5th ed. (2014), ch. 2, for lung at full inspiration; ICRU Report 46 (1992) for cartilage and skin.
"""

from enum import IntEnum


class Tissue(IntEnum):
    """Label of a pixel: the tissue that fills most of it."""

    AIR = 0
    LUNG = 1
    AIRWAY = 2
    FAT = 3
    MUSCLE = 4
    SKIN = 5
    BLOOD = 6
    HEART_WALL = 7
    SOFT = 8
    CARTILAGE = 9
    TRABECULAR_BONE = 10
    CORTICAL_BONE = 11
    LIVER = 12
    SPLEEN = 13
    TABLE = 14
    FINDING = 15


AIR_HU = -1000.0
LUNG_HU = -850.0  # mean at full inspiration; varies between patients and falls with gravity
FAT_HU = -100.0
MUSCLE_HU = 50.0
SKIN_HU = 40.0
BLOOD_HU = 40.0
HEART_WALL_HU = 48.0
SOFT_HU = 35.0  # nodes, oesophagus, airway and vessel walls
CARTILAGE_HU = 95.0
TRABECULAR_BONE_HU = 170.0
CORTICAL_BONE_HU = 900.0
LIVER_HU = 58.0
SPLEEN_HU = 48.0
FLUID_HU = 12.0
DISC_HU = 80.0
SOLID_NODULE_HU = 35.0
GROUND_GLASS_HU = -600.0
TABLE_FOAM_HU = -930.0
